package import Login
package import SmartCard

/// The parts that a kiosk needs, and which of them are missing.
package struct Parts {
    package var hasService = false
    package var hasReader = false
    /// The one in use.
    package private(set) var readerName: String?
    package private(set) var otherReaders: [OtherReader] = []
    /// A blocked exchange holds the reader.
    package var isReaderHeld = false
    package var hasClock = false
    package var hasFreshList = false
    package var hasRegistry = true
    /// The state folder takes what must outlive a start: pins, suspensions, what is owed.
    package var hasStorage = true

    /// The first that is missing, in the order in which a technician would mend them; nil: ready.
    package var cause: Cause? {
        if !hasService { return .cardService }
        if !hasReader || isReaderHeld { return .reader }
        // A database on a disk that takes nothing fails for that.
        if !hasStorage { return .storage }
        if !hasRegistry { return .registry }
        if !hasClock { return .clock }
        if !hasFreshList { return .revocation }
        return nil
    }

    package mutating func note(_ event: ReaderEvent) {
        switch event {
        case .others(let others): otherReaders = others
        case .serviceUnavailable: (hasService, hasReader) = (false, false)
        case .readerUnavailable: (hasService, hasReader) = (true, false)
        case .readerAvailable(let name), .cardInserted(let name):
            (hasService, hasReader) = (true, true)
            readerName = name
        case .cardRemoved: break
        case .readerHeld: isReaderHeld = true
        case .readerReleased: isReaderHeld = false
        }
    }
}
