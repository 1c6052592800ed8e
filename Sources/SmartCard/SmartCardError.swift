/// What can go wrong between us and a card. Nothing in it comes from the card but status words.
package enum SmartCardError: Error, Equatable, Sendable {
    /// pcscd does not answer, or stopped.
    case serviceUnavailable
    /// No reader, or the one asked for went away.
    case readerUnavailable
    /// Another program holds the card.
    case sharingViolation
    /// The card left the field or the slot, or its answer was torn.
    case cardRemoved
    /// Another program, or the reader, reset the card: whatever was selected is not.
    case cardReset
    /// A chip that does not answer to its power-up.
    case cardUnresponsive
    /// The reader or the stack refused the exchange; PC/SC's code.
    case transmissionFailed(UInt32)
    /// The wait reached its deadline.
    case timedOut
    /// Whoever waited stopped waiting.
    case cancelled
    /// An earlier exchange never came back; its thread still holds the reader.
    case readerHeld
    /// More exchanges or bytes than one presence may cost.
    case budgetExceeded
    /// A status word that this command does not end with.
    case status(StatusWord)
    /// An answer that cannot be one.
    case malformedAnswer

    /// What a card that leaves does has many names (SCARD_E_NOT_TRANSACTED is one): its reader knows whether it is there.
    var canBeOfRemoval: Bool {
        switch self {
        case .transmissionFailed, .cardUnresponsive: true
        case .serviceUnavailable, .readerUnavailable, .sharingViolation, .cardRemoved, .cardReset, .timedOut,
            .cancelled,
            .readerHeld, .budgetExceeded, .status, .malformedAnswer:
            false
        }
    }
}
