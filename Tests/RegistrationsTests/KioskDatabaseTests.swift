@testable import Announcement
import Cryptography
import Desk
import Foundation
import GRDB
import Kiosk
import Pilot
import Registrations
import Registry
import SecurityEvents
import Service
import Synchronization
import Testing
import VirtualCard

/// The one database: what is left of what was removed, its numbers, and its failing.
@Suite(.timeLimit(.minutes(2))) struct KioskDatabaseTests {
    private func withPilot(
        healthInterval: Duration = .seconds(5), _ body: (PilotCards, InProcessPilot) async throws -> Void
    ) async throws {
        try await InProcessPilot.withPilot(
            make: { cards in
                try await InProcessPilot(folder: cards.folder, records: cards.records, healthInterval: healthInterval)
            }, body)
    }

    private func blobs(_ path: String, _ sql: String) async throws -> [Data] {
        var options = GRDB.Configuration()
        options.readonly = true
        let database = try DatabaseQueue(path: path, configuration: options)
        return try await database.read { try Data.fetchAll($0, sql: sql) }
    }

    /// The database's files that hold any of these.
    private func files(of path: String, holding blobs: [Data]) -> [String] {
        ["", "-wal", "-shm"].filter { ending in
            let bytes = (try? Data(contentsOf: URL(filePath: path + ending))) ?? Data()
            // A long row goes on in another page.
            return blobs.contains { bytes.range(of: $0.prefix(64)) != nil || bytes.range(of: $0.suffix(64)) != nil }
        }
    }

    @Test("Nothing of what was removed, suspended or delivered is in any file of the database")
    func erased() async throws {
        try await withPilot { cards, pilot in
            let file = cards.folder.path + "/state/kazashi.sqlite"
            await pilot.desk.behave(.answers(500))
            let ids = try await pilot.store.list().map(\.id)
            // A log that is emptied between looking at the one file and the other would hide them.
            #expect(await pilot.database.erased())
            let rows = try await blobs(file, "SELECT sealed FROM registration")
            #expect(!rows.isEmpty && files(of: file, holding: rows) != [])
            try await pilot.store.remove(try await pilot.store.id(short: try #require(ids.first)))
            for id in ids.dropFirst() { try await pilot.store.suspend(try await pilot.store.id(short: id)) }
            #expect(await pilot.database.erased())
            #expect(files(of: file, holding: rows) == [])
            // What the changes owe is kept for as long as it is owed.
            let owed = try await blobs(file, "SELECT sealed FROM owed")
            #expect(!owed.isEmpty && files(of: file, holding: owed) != [])
            await pilot.desk.behave(.normal)
            try await pilot.owedIsDelivered()
            #expect(await pilot.database.erased())
            #expect(files(of: file, holding: owed) == [])
        }
    }

    @Test("Somebody who reads an older state keeps the log as it is, and it is emptied as soon as they have read")
    func erasedUnderReader() async throws {
        try await withPilot { cards, pilot in
            let file = cards.folder.path + "/state/kazashi.sqlite"
            let rows = try await blobs(file, "SELECT sealed FROM registration")
            #expect(!rows.isEmpty)
            var options = GRDB.Configuration()
            options.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: file, configuration: options)
            try await reader.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN")
                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM registration")
            }
            for id in try await pilot.store.list().map(\.id) {
                try await pilot.store.remove(try await pilot.store.id(short: id))
            }
            try await pilot.owedIsDelivered()
            #expect(files(of: file, holding: rows) != [])
            try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            // Nobody asks anew: the log is emptied all the same, or the time limit ends this.
            while files(of: file, holding: rows) != [] { await Task.yield() }
            #expect(await pilot.database.erased())
            try reader.close()
        }
    }

    @Test("What ended before its log was emptied is emptied at the next opening, and by whoever waits for that")
    func erasedAtOpening() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try SecureRandom.shared.secret(32)
        func open() throws -> KioskDatabase {
            try KioskDatabase(
                state: path, storageKey: key, platform: "https://mkpf.example", libraries: [], now: { nil })
        }
        await (try open()).close()
        let file = path + "/kazashi.sqlite"
        let row = Data(try SecureRandom.shared.bytes(500))
        var options = GRDB.Configuration()
        options.prepareDatabase { try $0.execute(sql: "PRAGMA secure_delete = ON") }
        // As a program that was killed after it removed: its log is there as it was.
        let killed = try DatabaseQueue(path: file, configuration: options)
        func remove() async throws {
            try await killed.write { db in
                try db.execute(sql: "INSERT INTO registration VALUES (x'01', 1, ?)", arguments: [row])
            }
            try await killed.write { try $0.execute(sql: "DELETE FROM registration") }
            #expect(files(of: file, holding: [row]) == ["-wal"])
        }
        try await remove()
        let database = try open()
        while files(of: file, holding: [row]) != [] { await Task.yield() }
        // Whoever waits may be ahead of the one that removed it and has still to ask.
        #expect(await database.erased())
        try await remove()
        #expect(await database.erased())
        #expect(files(of: file, holding: [row]) == [])
        await database.close()
        try killed.close()
    }

    @Test("Programs that open a new database at the same moment all get it")
    func openedAtOnce() throws {
        let key = try SecureRandom.shared.secret(32)
        for _ in 0..<8 {
            let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))")
                .path()
            defer { try? FileManager.default.removeItem(atPath: path) }
            let refused = Mutex<[RegistryError]>([])
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                do throws(RegistryError) {
                    _ = try KioskDatabase(
                        state: path, storageKey: key, platform: "https://mkpf.example", libraries: [], now: { nil })
                } catch {
                    refused.withLock { $0.append(error) }
                }
            }
            #expect(refused.withLock { $0 } == [])
        }
    }

    @Test("An older schema is migrated; a newer one is opened where it allows that, and refused by name otherwise")
    func schema() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try SecureRandom.shared.secret(32)
        func open() throws -> KioskDatabase {
            try KioskDatabase(
                state: path, storageKey: key, platform: "https://mkpf.example", libraries: [], now: { nil })
        }
        func raw(_ sql: String) async throws {
            let database = try DatabaseQueue(path: path + "/kazashi.sqlite")
            try await database.write { try $0.execute(sql: sql) }
            try database.close()
        }
        func numbers() async throws -> [Int] {
            let database = try DatabaseQueue(path: path + "/kazashi.sqlite")
            return try await database.read { db in
                let row = try Row.fetchOne(db, sql: "SELECT current, oldest_reader FROM schema")
                return row.map { [$0[0], $0[1]] } ?? []
            }
        }
        await (try open()).close()
        #expect(try await numbers() == [1, 1])
        // Before it had numbers.
        try await raw("DROP TABLE schema")
        await (try open()).close()
        #expect(try await numbers() == [1, 1])
        // Newer, and this program is allowed: it changes nothing of that.
        try await raw("UPDATE schema SET current = 7, oldest_reader = 1")
        await (try open()).close()
        #expect(try await numbers() == [7, 1])
        try await raw("DELETE FROM schema")
        let emptied = #expect(throws: RegistryError.self) { try open() }
        #expect(emptied?.code == .damaged)
        try await raw("INSERT INTO schema VALUES (7, 1)")
        try await raw("UPDATE schema SET oldest_reader = 2")
        let before = try Data(contentsOf: URL(filePath: path + "/kazashi.sqlite"))
        let refused = #expect(throws: RegistryError.self) { try open() }
        #expect(refused?.code == .newerSchema)
        #expect(try Data(contentsOf: URL(filePath: path + "/kazashi.sqlite")) == before)
    }

    @Test("A database that takes nothing stays D1, though it can be read")
    func takesNothing() async throws {
        try await withPilot(healthInterval: .milliseconds(20)) { cards, pilot in
            var options = GRDB.Configuration()
            options.busyMode = .timeout(10)
            let database = try DatabaseQueue(
                path: cards.folder.path + "/state/kazashi.sqlite", configuration: options)
            for id in try await pilot.store.list().map(\.id) {
                try await pilot.store.forgetCardKey(try await pilot.store.id(short: id))
            }
            try await database.write { db in
                for table in ["registration", "schema"] {
                    for event in ["INSERT", "UPDATE"] {
                        try db.execute(
                            sql: """
                                CREATE TRIGGER \(table)_\(event) BEFORE \(event) ON \(table)
                                BEGIN SELECT RAISE(ABORT, 'full'); END
                                """)
                    }
                }
            }
            // The first proof pins the card's key: that can't be written.
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "out_of_service")
            #expect(await pilot.log(containing: #""cause": registry"#) != nil)
            // It was looked at many times since.
            try await Task.sleep(for: .milliseconds(500))
            #expect(await pilot.runtime.status().code == "D1")
            try await database.write { db in
                for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'") {
                    try db.execute(sql: "DROP TRIGGER \(name)")
                }
            }
            #expect(await pilot.log(containing: "info ready") != nil)
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            try database.close()
        }
    }

    @Test("A file that is no database is damaged, by SQLite's number, and stays as it is")
    func notADatabase() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let garbage = Data(repeating: 0x55, count: 4_096)
        try garbage.write(to: URL(filePath: path + "/kazashi.sqlite"))
        let key = try SecureRandom.shared.secret(32)
        #expect(throws: RegistryError(.damaged, status: 26)) {
            try KioskDatabase(
                state: path, storageKey: key, platform: "https://mkpf.example", libraries: [], now: { nil })
        }
        #expect(try Data(contentsOf: URL(filePath: path + "/kazashi.sqlite")) == garbage)
    }

    @Test("A database that is gone is not made anew, empty, by asking whether it takes anything")
    func gone() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try SecureRandom.shared.secret(32)
        let database = try KioskDatabase(
            state: path, storageKey: key, platform: "https://mkpf.example", libraries: [], now: { nil })
        let disk = StateDisk(state: path)
        #expect(await disk.condition(hasFailed: true).hasDatabase)
        try FileManager.default.removeItem(atPath: path + "/kazashi.sqlite")
        #expect(await !disk.condition(hasFailed: true).hasDatabase)
        #expect(!FileManager.default.fileExists(atPath: path + "/kazashi.sqlite"))
        await database.close()
    }

    @Test(
        "What changes while a library's name stands in no configuration is owed under it, until it is renamed or dropped"
    )
    func orphaned() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try SecureRandom.shared.secret(32)
        func open(_ libraries: String...) throws -> KioskDatabase {
            try KioskDatabase(
                state: path, storageKey: key, platform: "https://mkpf.example", libraries: libraries,
                now: { 1_795_000_000 })
        }
        func registration(_ number: UInt8) -> Registration {
            Registration(
                certificate: Confidential([0x30, 0x01, number]),
                ppids: ["central": Confidential("P\(number)"), "elsewhere": Confidential("E\(number)")],
                serviceIDs: [:],
                birthDate: Confidential("1980-02-17"), cardKey: nil, since: 0)
        }
        var database = try open("central")
        for number in [UInt8(1), 2] { try await database.registrations.store(registration(number)) }
        #expect(try await database.outbox.depth() == ["central": 2])
        await database.close()
        // The name is another one now; nobody has moved anything yet.
        database = try open("main")
        let ids = try await database.registrations.list().map(\.id)
        #expect(ids.count == 2)
        try await database.registrations.suspend(database.registrations.id(short: ids[0]))
        #expect(try await database.outbox.depth() == ["central": 3])
        #expect(try await database.rename("central", to: "main").owed == 3)
        #expect(try await database.outbox.depth() == ["main": 3])
        // Who only looks is remembered by nobody: a name that is misspelt there would be owed to for ever.
        await database.close()
        database = try open("misspelt")
        #expect(try await !database.holdings().contains { $0.name == "misspelt" })
        await database.close()
        // It has left for good.
        database = try open("other")
        #expect(try await database.dropOwed(to: "main") == 3)
        try await database.registrations.remove(database.registrations.id(short: ids[1]))
        #expect(try await database.outbox.depth() == [:])
        await database.close()
    }

    @Test("A library that has a new name loses nobody where its patrons are imported under it before they are moved")
    func importedUnderTheNewName() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try SecureRandom.shared.secret(32)
        func registration(_ ppids: [String: String]) -> Registration {
            Registration(
                certificate: Confidential([0x30, 0x01, 0x01]), ppids: ppids.mapValues { Confidential($0) },
                serviceIDs: [:], birthDate: Confidential("1980-02-17"), cardKey: nil, since: 0)
        }
        func open(_ libraries: String...) throws -> KioskDatabase {
            try KioskDatabase(
                state: path, storageKey: key, platform: "https://mkpf.example", libraries: libraries,
                now: { 1_795_000_000 })
        }
        var database = try open("central", "left")
        try await database.registrations.store(registration(["central": "P", "left": "L"]))
        await database.close()
        database = try open("main")
        try await database.registrations.store(registration(["main": "P"]))
        // It is registered under the new name; under the old one nothing was removed. A library that has left is told.
        #expect(try await database.outbox.depth() == ["central": 1, "left": 2, "main": 1])
        _ = try await database.rename("central", to: "main")
        for _ in 0..<2 {
            let entry = try #require(try await database.outbox.first(for: "main"))
            #expect(entry.owed?.event.uri == "urn:kazashi:registered")
            try await database.outbox.settle(entry)
        }
        #expect(try await database.outbox.depth() == ["left": 2])
        await database.close()
    }

    @Test("A database that fails at run time is D1, and the kiosk is ready again when it answers")
    func fails() async throws {
        try await withPilot(healthInterval: .milliseconds(20)) { cards, pilot in
            let file = cards.folder.path + "/state/kazashi.sqlite"
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            try FileManager.default.moveItem(atPath: file, toPath: file + ".away")
            #expect(await pilot.log(containing: #""cause": registry"#) != nil)
            #expect(await pilot.runtime.status().code == "D1")
            try FileManager.default.moveItem(atPath: file + ".away", toPath: file)
            #expect(await pilot.log(containing: "info ready") != nil)
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
        }
    }
}
