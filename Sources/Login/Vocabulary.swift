/// One stay of one card on the reader. The number comes with the insertion; it says nothing of the patron.
package struct Presence: Hashable, Sendable {
    package let number: UInt64
    package init(number: UInt64) { self.number = number }
}

/// Why the kiosk takes no taps.
package enum Cause: String, Hashable, Sendable, CaseIterable {
    /// There is no login yet: the configuration can't be used.
    case configuration
    case clock
    case reader
    case cardService = "card_service"
    case revocation
    case registry
    case storage
}

/// Why a tap was refused, in the order in which the first that applies is told.
package enum Refusal: String, Hashable, Sendable, CaseIterable, Comparable {
    case notThisCard = "not_this_card"
    case cardPulled = "card_pulled"
    case cardError = "card_error"
    case cardTimeout = "card_timeout"
    case unregistered
    case untrusted
    case expired
    case revoked
    case undetermined
    case suspended
    case cardKeyUnknown = "card_key_unknown"
    case notProven = "not_proven"
    case triesLow = "tries_low"
    case birthDateRefused = "birth_date_refused"
    case libraryUnreachable = "library_unreachable"
    case libraryRefused = "library_refused"
    case tooSoon = "too_soon"
    case outOfService = "out_of_service"

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    package static func < (left: Refusal, right: Refusal) -> Bool { left.rank < right.rank }
}

/// How a presence ended.
package enum Outcome: Hashable, Sendable {
    case welcomed
    case refused(Refusal)

    /// The contract's code.
    package var code: String {
        switch self {
        case .welcomed: "ok"
        case .refused(let refusal): refusal.rawValue
        }
    }
}

/// What is shown to whoever stands there.
package enum Face: Hashable, Sendable {
    case ready
    case outOfService(Cause)
    case holdStill
    case asking
    case outcome(Outcome)
    /// The outcome was told a while ago, and the card still lies there.
    case takeCard
}

/// The time limits of a presence.
package enum Limit: Hashable, Sendable, CaseIterable {
    /// From the insertion to the end of the card's work.
    case card
    /// From the announcement to its acknowledgement.
    case announcement
    /// From the outcome to the reminder that the card is to be taken.
    case reminder
    /// From the outcome to the report that a card was left behind: that is serious.
    case leftCard
}

/// What happened. Facts about a presence carry its number: those of an earlier one change nothing.
package enum LoginEvent: Hashable, Sendable {
    case health(Cause?)
    case inserted(Presence)
    case removed
    case fact(Presence, Fact)
}

/// The result of an effect, or a deadline. Nothing of the patron is in it.
package enum Fact: Hashable, Sendable {
    /// The certificate's bytes are held for this presence.
    case certificateRead
    /// The token's label: a My Number Card, or something else that answers like one.
    case identified(isCard: Bool)
    case lookedUp(LookUp)
    case validated(Validation)
    case challengeAnswered(ChallengeAnswer)
    /// 63Cx of the birth date's key; nil for any other answer.
    case triesCounted(Int?)
    case birthDateVerified(accepted: Bool)
    case proofChecked(ProofCheck)
    /// The card's key is pinned durably; false when another one had been pinned meanwhile.
    case cardKeyPinned(Bool)
    case cardFailed(CardFailure)
    /// The registry could not be read or written.
    case registryFailed
    case announced(Announced)
    case passed(Limit)

    package enum LookUp: Hashable, Sendable, CaseIterable {
        case unknown
        /// Active and pinned, and the card of the last welcome, whose visit has not ended.
        case sameVisit
        case suspended
        /// Active, but the birth date was refused too often in a row: it is not tried any more.
        case birthDateSpent
        /// Active, but without a card key where configuration asks for one.
        case keyMissing
        case activeUnpinned
        case activePinned
    }
    package enum Validation: Hashable, Sendable, CaseIterable {
        case good, untrusted, expired, revoked, undetermined
    }
    package enum ChallengeAnswer: Hashable, Sendable, CaseIterable {
        /// Verified under the pinned key.
        case pinnedKey
        /// Kept until the age record says whose key it is.
        case unpinned
        case otherKey
    }
    package enum ProofCheck: Hashable, Sendable, CaseIterable {
        /// The age record, the nonce's signature and the birth date: all verified.
        case proven
        case notProven
        /// All verified, but the record bears another birth date than the registration.
        case otherBirthDate
    }
    package enum CardFailure: Hashable, Sendable, CaseIterable {
        /// `pulled`: torn in the middle of an exchange.
        case notThisCard, pulled, error, timeout
    }
    package enum Announced: Hashable, Sendable, CaseIterable {
        case acknowledged, unreachable, refused
    }
}

/// What is to be done. Each ends in a fact of the same presence, or in nothing.
package enum LoginEffect: Hashable, Sendable {
    case show(Face)
    /// From here on something is held of this presence, until `forget`: of a card that waits, nothing is.
    case begin(Presence)
    case startDeadline(Presence, Limit)
    /// Read the certificate.
    case read(Presence)
    /// Read the token's label.
    case identify(Presence)
    case lookUp(Presence)
    /// Path and revocation; the card is not needed.
    case validate(Presence)
    /// Have the card sign a fresh nonce.
    case challenge(Presence)
    case countTries(Presence)
    case verifyBirthDate(Presence)
    /// Read the age record and verify the whole proof.
    case prove(Presence)
    case pinCardKey(Presence)
    /// Make the tokens while the card still works: they leave only with `announce`.
    case seal(Presence)
    /// Suspend the registration until it is made again.
    case suspend(Presence)
    case announce(Clearance)
    /// Take back what was announced: the presence does not end welcomed.
    case withdraw(Presence)
    /// The welcomed card is gone. Unless it comes back at once, who was told of the presence is told of its end.
    case endPresence(Presence)
    /// The card of the last welcome is back, and proven: the visit goes on.
    case continueVisit(Presence)
    /// An unproven card refused the birth date: it suspends nobody, but staff is told.
    case noteRefusal(Presence)
    /// Tell the libraries that a card was left on the reader: not whose.
    case reportLeftCard(Presence)
    /// End the conversation with the card: power down.
    case releaseCard(Presence)
    /// One line a presence: its outcome.
    case report(Presence, Outcome)
    /// Drop everything held under this presence.
    case forget(Presence)
}
