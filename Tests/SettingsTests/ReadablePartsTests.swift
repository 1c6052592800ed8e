import Foundation
import Panel
import Settings
import Testing

@Suite struct ReadablePartsTests {
    @Test("Where no settings serve yet, the technician's file says what display there is, as far as it can be read")
    func display() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (shipped, unusable) = (folder + "/shipped.toml", folder + "/unusable.toml")
        try "[panel]\ndisplay = \"cd5220:/dev/kazashi-display\"\n".write(
            toFile: shipped, atomically: true, encoding: .utf8)
        func display(_ text: String?, _ result: SetupOutcome.Result?) throws -> PanelOptions.Display? {
            try? FileManager.default.removeItem(atPath: unusable)
            try text?.write(toFile: unusable, atomically: true, encoding: .utf8)
            let setup = result.map { SetupOutcome($0, .wrong) }
            return ReadableParts(file: shipped, setup: setup, unusable: unusable).panel?.display
        }
        let ours = try display(nil, nil)
        let wrong = "[kiosk]\nid = \"\"\n[panel]\ndisplay = \"hd44780-i2c:/dev/i2c-1:0x27\"\n[tame]\n"
        let theirs = try display(wrong, SetupOutcome.Result.none)
        #expect(ours != nil && theirs != nil && theirs != ours)
        // The last good settings say it themselves.
        #expect(try display(wrong, .kept) == ours)
        // A display that can't be read, and no file.
        #expect(try display("[panel]\ndisplay = 7\n", SetupOutcome.Result.none) == ours)
        #expect(try display(nil, SetupOutcome.Result.none) == ours)
    }
}
