internal import Login
internal import SmartCard

/// The parts that a kiosk needs, and which of them are missing.
struct Parts {
    var hasService = false
    var hasReader = false
    /// A blocked exchange holds the reader.
    var isReaderHeld = false
    var hasClock = false
    var hasFreshList = false
    var hasRegistry = true
    /// The state folder takes what must outlive a start: pins, suspensions, what is owed.
    var hasStorage = true

    /// The first that is missing, in the order in which a technician would mend them; nil: ready.
    var cause: Cause? {
        if !hasService { return .cardService }
        if !hasReader || isReaderHeld { return .reader }
        // A database on a disk that takes nothing fails for that.
        if !hasStorage { return .storage }
        if !hasRegistry { return .registry }
        if !hasClock { return .clock }
        if !hasFreshList { return .revocation }
        return nil
    }

    mutating func note(_ event: ReaderEvent) {
        switch event {
        case .serviceUnavailable: (hasService, hasReader) = (false, false)
        case .readerUnavailable: (hasService, hasReader) = (true, false)
        case .readerAvailable, .cardInserted: (hasService, hasReader) = (true, true)
        case .cardRemoved: break
        case .readerHeld: isReaderHeld = true
        case .readerReleased: isReaderHeld = false
        }
    }
}
