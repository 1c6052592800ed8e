import Foundation
import GRDB
import Testing

@testable import Registrations

@Suite(.timeLimit(.minutes(1))) struct EraserTests {
    @Test("A log that can't be emptied is not told to be empty, neither to who waits nor to who asks later")
    func fails() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let database = try DatabaseQueue(path: path)
        let eraser = Eraser(database)
        eraser.ask()
        #expect(await eraser.finished(within: .seconds(10)))
        // Whatever is asked of it fails from here on.
        try database.close()
        eraser.ask()
        #expect(await !eraser.finished(within: .seconds(20)))
        #expect(await !eraser.finished(within: .seconds(20)))
    }
}
