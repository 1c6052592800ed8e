package import Cryptography
internal import TLV

/// The 16 bytes that name a key of the cards' own hierarchy.
package struct KeyIdentifier: Hashable, Sendable {
    package let bytes: [UInt8]

    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Issuers of test cards: 6000….
    package var isTest: Bool { bytes.prefix(4).elementsEqual("6000".utf8) }

}

/// EF 0004: says whose key signs the records of one application, signed by the cards' CA. Unverified.
package struct CVCertificate: Sendable {
    package let issuer: KeyIdentifier
    package let subject: KeyIdentifier
    private let key: RSAPublicKey
    private let body: [UInt8]
    private let signature: [UInt8]

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        do {
            var file = TLVReader(bytes, rules: .ber)
            var fields = try file.next(0x7F21).reader(rules: .ber)
            try file.end()
            body = Array(try fields.next(0x5F4E).contents)
            signature = Array(try fields.next(0x5F37).contents)
            try fields.end()
            guard let issuer = KeyIdentifier(body.prefix(16)),
                let subject = KeyIdentifier(body.dropFirst(16).prefix(16))
            else { throw CardDataError.malformed(.cvCertificate) }
            (self.issuer, self.subject) = (issuer, subject)
            key = try CardKey(cardRecord: body.dropFirst(32), record: .cvCertificate).rsa
        } catch {
            throw .malformed(.cvCertificate)
        }
    }

    /// The issuer's key, once an anchor of `use` vouches for it.
    package func verified(under anchors: CardAnchors, use: CardAnchors.Use) throws(CardDataError) -> RecordIssuerKey {
        try anchors.permit(subject)
        let anchor = try anchors.key(for: issuer, use: use)
        do {
            try anchor.verify(signature, over: body)
        } catch {
            throw .signature(.cvCertificate)
        }
        return RecordIssuerKey(identifier: subject, issuer: issuer, use: use, key: key)
    }
}

/// A key that signs the records of one application, vouched for by an anchor.
package struct RecordIssuerKey: Sendable {
    package let identifier: KeyIdentifier
    fileprivate let issuer: KeyIdentifier
    package let use: CardAnchors.Use
    fileprivate let key: RSAPublicKey

    fileprivate init(identifier: KeyIdentifier, issuer: KeyIdentifier, use: CardAnchors.Use, key: RSAPublicKey) {
        (self.identifier, self.issuer, self.use, self.key) = (identifier, issuer, use, key)
    }

    package func verify(
        _ signature: some Collection<UInt8>, over record: ArraySlice<UInt8>, of kind: CardDataError.Record
    )
        throws(CardDataError)
    {
        do {
            try key.verify(signature, over: record)
        } catch {
            throw .signature(kind)
        }
    }
}

/// The keys of the cards' CA, given by the operator: none are shipped. The chain of 券面事項入力補助 never vouches for
/// 券面事項確認, nor the other way round.
package struct CardAnchors: Sendable {
    package enum Use: String, Sendable, CaseIterable {
        /// 券面事項確認 (issuer ids 5000023).
        case visual
        /// 券面事項入力補助 (issuer ids 5000033).
        case text
    }

    private struct Anchor { let use: Use, key: RSAPublicKey }
    private var anchors: [KeyIdentifier: Anchor] = [:]
    private let allowsTest: Bool
    /// Key ids and SHA-256 hashes of card keys, as bytes.
    private let denied: Set<[UInt8]>

    /// - Parameters:
    ///   - allowsTest: takes anchors of the test range; a kiosk that does shows TEST.
    ///   - denied: key ids (16 bytes) and card key hashes (32 bytes) that are never believed.
    package init(allowsTest: Bool, denied: Set<[UInt8]> = []) {
        self.allowsTest = allowsTest
        self.denied = denied
    }

    package var isEmpty: Bool { anchors.isEmpty }

    /// - Throws: `testIssuer` for an id of the test range without `allowsTest`.
    package mutating func add(_ identifier: KeyIdentifier, use: Use, key: RSAPublicKey) throws(CardDataError) {
        guard allowsTest || !identifier.isTest else { throw .testIssuer }
        anchors[identifier] = Anchor(use: use, key: key)
    }

    fileprivate func key(for identifier: KeyIdentifier, use: Use) throws(CardDataError) -> RSAPublicKey {
        guard allowsTest || !identifier.isTest else { throw .testIssuer }
        try permit(identifier)
        guard let anchor = anchors[identifier], anchor.use == use else { throw .unknownIssuer }
        return anchor.key
    }

    func permit(_ identifier: KeyIdentifier) throws(CardDataError) {
        guard !denied.contains(identifier.bytes) else { throw .denied }
    }

    func permit(_ key: CardKey) throws(CardDataError) {
        guard !denied.contains(key.hash) else { throw .denied }
    }

    /// True when an issuer key that was verified earlier would be verified again today.
    package func stillPermits(_ issuer: RecordIssuerKey) -> Bool {
        !denied.contains(issuer.identifier.bytes) && (try? key(for: issuer.issuer, use: issuer.use)) != nil
    }
}
