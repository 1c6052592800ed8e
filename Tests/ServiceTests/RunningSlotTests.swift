import Foundation
import Service
import Testing

@Suite struct RunningSlotTests {
    private func read(_ text: String) throws -> RunningSlot? {
        let file = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return RunningSlot(file: file)
    }

    @Test("What the image writes down of its systems is read as it is written")
    func written() throws {
        // As board/appliance/root/usr/lib/kazashi/slot prints it.
        #expect(
            try read(#"{"slot": "A", "version": "0.5.0", "isOnTrial": false, "takesTestUpdates": true}"#)
                == RunningSlot(slot: "A", version: "0.5.0", takesTestUpdates: true))
        let other = #", "insteadOf": {"slot": "B", "version": "0.5.1", "wasGood": false}"#
        #expect(
            try read(#"{"slot": "A", "version": "0.5.0", "isOnTrial": true, "takesTestUpdates": false\#(other)}"#)
                == RunningSlot(
                    slot: "A", version: "0.5.0", isOnTrial: true,
                    insteadOf: .init(slot: "B", version: "0.5.1", wasGood: false)))
    }

    @Test(
        "A kiosk on a system of somebody's own has none; what is half written is none", arguments: ["", "{\"slot\": "])
    func none(text: String) throws {
        #expect(RunningSlot(file: "/nowhere") == nil)
        #expect(try read(text) == nil)
    }
}
