import Foundation
import GRDB
import Testing

@testable import Registrations

@Suite(.timeLimit(.minutes(1))) struct EraserTests {
    @Test("Where nothing was removed there is nothing to wait for; else it is waited for until the log is empty")
    func waits() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + ending) } }
        var options = Configuration()
        options.journalMode = .wal
        options.busyMode = .immediateError
        let database = try DatabaseQueue(path: path, configuration: options)
        let eraser = Eraser(database)
        #expect(await eraser.finished(within: .seconds(10)))
        try await database.write { try $0.execute(sql: "CREATE TABLE t (x); INSERT INTO t VALUES (1)") }
        options.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: path, configuration: options)
        try await reader.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT x FROM t")
        }
        try await database.write { try $0.execute(sql: "DELETE FROM t") }
        eraser.ask()
        #expect(await !eraser.finished(within: .milliseconds(50)), "somebody reads what was there")
        try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        #expect(await eraser.finished(within: .seconds(30)))
        #expect(try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int == 0)
    }

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
        // It gives up by itself, long before whoever waits would.
        #expect(await !eraser.finished(within: .seconds(600)))
        #expect(await !eraser.finished(within: .seconds(600)))
    }
}
