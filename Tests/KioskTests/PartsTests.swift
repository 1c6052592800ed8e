@testable import Kiosk
import Login
import SmartCard
import Testing

/// What a kiosk needs, and what it is out of service for.
@Suite struct PartsTests {
    private let causes: [(WritableKeyPath<Parts, Bool>, Cause)] = [
        (\.hasService, .cardService), (\.hasReader, .reader), (\.hasStorage, .storage), (\.hasRegistry, .registry),
        (\.hasClock, .clock), (\.hasFreshList, .revocation),
    ]

    @Test("Each part that is missing is a cause; of several the first that a technician would mend")
    func order() {
        var whole = Parts()
        for (part, _) in causes { whole[keyPath: part] = true }
        #expect(whole.cause == nil)
        for (index, (part, cause)) in causes.enumerated() {
            var parts = whole
            for (later, _) in causes.suffix(from: index) { parts[keyPath: later] = false }
            #expect(parts.cause == cause)
            parts = whole
            parts[keyPath: part] = false
            #expect(parts.cause == cause)
        }
        whole.isReaderHeld = true
        #expect(whole.cause == .reader)
    }

    @Test("At the start nothing is there that must be found, and nothing is wrong that was not looked at")
    func start() {
        var parts = Parts()
        #expect(parts.cause == .cardService && parts.hasRegistry && parts.hasStorage)
        parts.note(.readerUnavailable)
        #expect(parts.cause == .reader)
        parts.note(.readerAvailable(name: "A"))
        #expect(parts.cause == .clock && parts.readerName == "A")
        parts.hasClock = true
        #expect(parts.cause == .revocation)
        parts.note(.readerHeld)
        #expect(parts.cause == .reader)
        parts.note(.readerReleased)
        parts.note(.serviceUnavailable)
        #expect(parts.cause == .cardService && !parts.hasReader)
    }
}
