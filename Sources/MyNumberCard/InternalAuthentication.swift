package import Cryptography
package import Login

// 内部認証: the card shows that it is genuine and here. It is not INTERNAL AUTHENTICATE (00 88): the card's own key
// signs a nonce (80 2A 00 00), and the age record, opened with the birth date, says whose key that is.

/// A nonce for one presence. It is made once, sent once, and used by one verification.
package struct CardChallenge: Sendable {
    private let nonce: [UInt8]
    private let presence: Presence

    /// - Throws: `noRandomness`.
    package init(for presence: Presence) throws(CryptographyError) {
        (nonce, self.presence) = (try SecureRandom.shared.bytes(32), presence)
    }

    /// DigestInfo of SHA-256 over the nonce (RFC 8017 9.2, note 1): 51 bytes, what the card pads and signs.
    package var digestInfo: [UInt8] { Cryptography.digestInfo(ofSHA256: sha256(nonce)) }

    /// Takes the card's answer. The challenge is spent.
    package consuming func answered(_ signature: [UInt8]) -> UnverifiedChallengeAnswer {
        UnverifiedChallengeAnswer(nonce: nonce, signature: signature, presence: presence)
    }
}

/// A card's signature over the nonce of this presence; whose, nobody has checked.
package struct UnverifiedChallengeAnswer: Sendable {
    fileprivate let nonce: [UInt8]
    fileprivate let signature: [UInt8]
    fileprivate let presence: Presence

    /// Checks it under the key that the registration pinned.
    /// - Throws: `signature(.challenge)`.
    package func verified(under pinned: CardKey) throws(CardDataError) -> PinnedChallengeAnswer {
        do {
            try pinned.rsa.verify(signature, over: nonce)
        } catch {
            throw .signature(.challenge)
        }
        return PinnedChallengeAnswer(answer: self, key: pinned)
    }
}

/// A signature over the nonce that verified under the pinned key: the registered card is here.
package struct PinnedChallengeAnswer: Sendable {
    fileprivate let answer: UnverifiedChallengeAnswer
    package let key: CardKey

    fileprivate init(answer: UnverifiedChallengeAnswer, key: CardKey) {
        (self.answer, self.key) = (answer, key)
    }
}

/// The whole proof of one presence: a genuine card, this card, here and now, and the birth date that it holds. Only
/// verification makes one.
package struct CardProof: Sendable, CustomStringConvertible, CustomReflectable {
    /// The one that the signed nonce was made for.
    package let presence: Presence
    package let birthDate: BirthDate
    package let cardKey: CardKey
    package let issuer: KeyIdentifier

    private init(_ record: AgeRecord, issuer: KeyIdentifier, presence: Presence) {
        self.presence = presence
        (birthDate, cardKey, self.issuer) = (record.birthDate, record.cardKey, issuer)
    }

    /// Verifies a card whose key was pinned before: the age record must hold that key.
    package static func verify(
        _ answer: PinnedChallengeAnswer, record: AgeRecord, issuer: RecordIssuerKey, anchors: CardAnchors
    ) throws(CardDataError) -> CardProof {
        guard record.cardKey == answer.key else { throw .otherKey }
        return try verify(answer.answer, record: record, issuer: issuer, anchors: anchors, isPinned: true)
    }

    /// Verifies a card that is here for the first time.
    package static func verify(
        _ answer: UnverifiedChallengeAnswer, record: AgeRecord, issuer: RecordIssuerKey, anchors: CardAnchors
    ) throws(CardDataError) -> CardProof {
        try verify(answer, record: record, issuer: issuer, anchors: anchors, isPinned: false)
    }

    private static func verify(
        _ answer: UnverifiedChallengeAnswer, record: AgeRecord, issuer: RecordIssuerKey, anchors: CardAnchors,
        isPinned: Bool
    ) throws(CardDataError) -> CardProof {
        guard anchors.stillPermits(issuer) else { throw .denied }
        try anchors.permit(record.cardKey)
        try record.verify(under: issuer)
        // The pinned answer was verified under the very same key already.
        if !isPinned { _ = try answer.verified(under: record.cardKey) }
        return CardProof(record, issuer: issuer.identifier, presence: answer.presence)
    }

    package var description: String { "[card proof]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
