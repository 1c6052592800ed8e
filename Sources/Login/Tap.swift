/// What `announce` asks for. Each is met at most once a presence, by a fact of that presence.
package enum Requirement: Hashable, Sendable, CaseIterable {
    case path, revocation, registration, cardKey, proof, birthDate
}

/// The leave to announce: only a tap that met every requirement gives one.
package struct Clearance: Hashable, Sendable {
    package let presence: Presence

    fileprivate init?(_ tap: Tap) {
        guard tap.met == Set(Requirement.allCases) else { return nil }
        presence = tap.presence
    }
}

/// One presence on its way: facts, and how far the card's work has come.
package struct Tap: Hashable, Sendable {
    package let presence: Presence
    fileprivate(set) var met: Set<Requirement> = []
    /// Refused, but the certificate's check may still name an earlier code.
    var refusal: Refusal?
    var isValidated = false
    var isPinned = false
    /// The card of a visit that has not ended: it is proven again, and nothing is announced again.
    var isAgain = false
    var step = Step.reading

    /// The one thing that the card, or the registry about it, is doing. A fact that does not answer it changes nothing.
    enum Step: Hashable, Sendable {
        case reading, lookingUp
        /// The label of an unregistered card, or of a card before its first proof.
        case identifyingUnknown, identifying
        case challenging, countingTries
        /// Everything speaks for VERIFY but the certificate's check, which is not there yet.
        case awaitingValidation
        case verifying, proving, pinning, announcing
        /// Refused: the card's work is over.
        case stopped
    }

    init(presence: Presence) { self.presence = presence }

    mutating func meet(_ requirement: Requirement) { met.insert(requirement) }

    var clearance: Clearance? { Clearance(self) }
}
