import Cryptography
import Foundation
import GRDB
@testable import Registry
import Testing

/// A database in a folder of its own.
private final class Folder {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "kazashi-registry-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/kazashi.sqlite" }

    func store(_ key: SecretBytes) throws -> RegistrationStore {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA secure_delete = ON") }
        return try RegistrationStore(database: DatabaseQueue(path: file, configuration: configuration), storageKey: key)
    }
}

/// A row as it was.
private struct Saved: Sendable {
    let id, sealed: Data?
    let version: Int64?
    init(_ id: Data?, _ version: Int64?, _ sealed: Data?) {
        (self.id, self.version, self.sealed) = (id, version, sealed)
    }
}

@Suite struct RegistrationStoreTests {
    private let folder: Folder
    private let key = SecretBytes(copying: [UInt8](repeating: 7, count: 32))
    private let certificate = Array("a certificate".utf8)
    private let cardKey = Array("a card key".utf8)

    init() throws { folder = try Folder() }

    private func registration(cardKey: [UInt8]? = nil, ppid: String = "PPID-secret-1") -> Registration {
        Registration(
            certificate: Confidential(certificate), ppids: ["central": Confidential(ppid)],
            birthDate: Confidential("1980-02-17"), birthKey: Confidential("550217"),
            cardKey: cardKey.map { Confidential($0) }, since: 1_767_225_600)
    }

    private func active(_ store: RegistrationStore) async throws -> ActiveRegistration {
        guard case .active(let active) = try await store.lookUp(certificate: certificate) else {
            throw RegistryError(.unknownID)
        }
        return active
    }

    @Test("One damaged row hides none of the others: it is named, and can be removed")
    func damagedRow() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        var other = registration(ppid: "PPID-secret-2")
        other.certificate = Confidential(Array("another certificate".utf8))
        try await store.store(other)
        let raw = try DatabaseQueue(path: folder.file)
        try await raw.write { db in
            try db.execute(
                sql: "UPDATE registration SET sealed = x'00' WHERE id = (SELECT id FROM registration LIMIT 1)")
        }
        let list = try await store.list()
        #expect(Set(list.map(\.state)) == [.active, .damaged])
        #expect(try await store.all().count { $0.registration == nil } == 1)
        let damaged = try #require(list.first { $0.state == .damaged })
        #expect(damaged.since == nil && damaged.libraries.isEmpty)
        try await store.remove(try await store.id(short: damaged.id))
        #expect(try await store.list().map(\.state) == [.active])
    }

    @Test("Found by the certificate's bytes, and by nothing else")
    func lookUp() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        #expect(try await active(store).registration.ppids["central"]?.revealed == "PPID-secret-1")
        guard case .unknown = try await store.lookUp(certificate: certificate + [0]) else {
            Issue.record("another certificate was found")
            return
        }
    }

    @Test("A stolen database without the key gives nothing")
    func stolen() async throws {
        let store = try folder.store(key)
        try await store.store(registration(cardKey: cardKey))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let bytes = try Data(contentsOf: URL(filePath: folder.path + "/" + name))
            for secret in ["PPID", "1980", "550217", "a certificate", "a card key", "central", "active"] {
                #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret) stands in \(name)")
            }
            // Nor a plain hash of the certificate.
            #expect(bytes.range(of: Data(sha256(certificate))) == nil)
        }
    }

    @Test("What was removed is gone from the file")
    func removed() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let id = try await active(store).id
        let sealed = try await DatabaseQueue(path: folder.file).read {
            try Data.fetchOne($0, sql: "SELECT sealed FROM registration")
        }
        let piece = try #require(sealed).prefix(24)
        #expect(try Data(contentsOf: URL(filePath: folder.file)).range(of: piece) != nil)
        try await store.remove(id)
        #expect(try Data(contentsOf: URL(filePath: folder.file)).range(of: piece) == nil)
        await #expect(throws: RegistryError(.unknownID)) { try await store.remove(id) }
    }

    @Test("A wrong key is refused by name and leaves the file as it is")
    func wrongKey() async throws {
        try await folder.store(key).store(registration())
        let before = try Data(contentsOf: URL(filePath: folder.file))
        #expect(throws: RegistryError(.wrongKey)) {
            try folder.store(SecretBytes(copying: [UInt8](repeating: 8, count: 32)))
        }
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == before)
    }

    @Test("A pin is set once, and neither import nor suspension erases it")
    func pin() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let proven = try await active(store)
        let id = proven.id
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: proven))
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: proven))
        #expect(try await store.pin(cardKey: Array("another".utf8), recordIssuer: [1], for: proven) == false)
        try await store.suspend(id)
        guard case .suspended = try await store.lookUp(certificate: certificate) else {
            Issue.record("not suspended")
            return
        }
        // Made again: active, and still pinned.
        try await store.store(registration(ppid: "PPID-secret-2"))
        let again = try await active(store)
        #expect(again.registration.cardKey?.revealed == cardKey)
        #expect(again.registration.ppids["central"]?.revealed == "PPID-secret-2")
        await #expect(throws: RegistryError(.otherCardKey)) {
            try await store.store(registration(cardKey: Array("another".utf8)))
        }
        try await store.forgetCardKey(id)
        #expect(try await active(store).registration.cardKey == nil)
    }

    @Test("Two first proofs at once: one key wins")
    func race() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let proven = try await active(store)
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask { try await store.pin(cardKey: [UInt8(number)], recordIssuer: [], for: proven) }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }

    @Test("A registration that is made anew while its card proves itself is not pinned by that proof")
    func madeAnew() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let proven = try await active(store)
        try await store.store(registration(ppid: "PPID-secret-2"))
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: proven) == false)
        #expect(try await active(store).registration.cardKey == nil)
        #expect(try await store.countBirthDateTry(of: proven) == nil)
        #expect(try await active(store).registration.birthDateRefusals == 0)
    }

    @Test("Two refusals of the birth date in a row are enough; a proof, staff or another birth date begins anew")
    func refusals() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        func refuse() async throws -> Bool {
            try #require(try await store.countBirthDateTry(of: try await active(store))).registration.isBirthDateSpent
        }
        func isSpent() async throws -> Bool { try await active(store).registration.isBirthDateSpent }
        #expect(try await refuse() == false)
        #expect(try await isSpent() == false)
        #expect(try await refuse())
        #expect(try await isSpent())
        // Staff.
        let id = try await active(store).id
        try await store.retryBirthDate(id)
        #expect(try await isSpent() == false)
        // In a row: an acceptance in between, or a proof, of the registration as it was counted.
        let counted = try #require(try await store.countBirthDateTry(of: try await active(store)))
        let cleared = try #require(try await store.birthDateAccepted(of: counted))
        #expect(cleared.registration.birthDateRefusals == 0)
        #expect(try await store.birthDateAccepted(of: counted) == nil)
        #expect(try await refuse() == false)
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: try await active(store)))
        #expect(try await active(store).registration.birthDateRefusals == 0)
        for _ in 0..<2 { _ = try await refuse() }
        try await store.forgetCardKey(id)
        #expect(try await active(store).registration.birthDateRefusals == 0)
        for _ in 0..<2 { _ = try await refuse() }
        // The same record comes again with each night's import.
        try await store.store(registration())
        #expect(try await isSpent())
        var changed = registration()
        changed.birthDate = Confidential("1980-02-18")
        try await store.store(changed)
        #expect(try await isSpent() == false)
        for _ in 0..<2 { _ = try await refuse() }
        changed.birthKey = Confidential("550218")
        try await store.store(changed)
        #expect(try await isSpent() == false)
    }

    @Test("A record moved to another row, put under another version, or altered is refused")
    func altered() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let database = try DatabaseQueue(path: folder.file)
        let statements = [
            "UPDATE registration SET version = version + 1",
            // Another last byte than the one that is there, which may be any.
            """
            UPDATE registration SET sealed = CAST(substr(sealed, 1, length(sealed) - 1)
            || CASE substr(sealed, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB)
            """,
            "UPDATE registration SET sealed = x'00'",
        ]
        for statement in statements {
            let saved = try await database.read { db in
                try Row.fetchOne(db, sql: "SELECT * FROM registration").map {
                    Saved($0["id"], $0["version"], $0["sealed"])
                }
            }
            try await database.write { try $0.execute(sql: statement) }
            await #expect(throws: RegistryError(.damaged)) { try await store.lookUp(certificate: certificate) }
            try await database.write {
                try $0.execute(
                    sql: "UPDATE registration SET version = ?, sealed = ? WHERE id = ?",
                    arguments: [saved?.version, saved?.sealed, saved?.id])
            }
        }
        // Under another certificate's row.
        var other = registration(ppid: "PPID-other")
        other.certificate = Confidential(Array("other".utf8))
        try await store.store(other)
        try await database.write { db in
            try db.execute(sql: "UPDATE registration SET sealed = (SELECT sealed FROM registration LIMIT 1)")
        }
        await #expect(throws: RegistryError(.damaged)) {
            _ = try await store.lookUp(certificate: certificate)
            _ = try await store.lookUp(certificate: Array("other".utf8))
        }
    }

    @Test("Each change counts the record's version up by one, and the first one is 1")
    func versions() async throws {
        let store = try folder.store(key)
        let raw = try DatabaseQueue(path: folder.file)
        func version() async throws -> Int64? {
            try await raw.read { try Int64.fetchOne($0, sql: "SELECT version FROM registration") }
        }
        try await store.store(registration())
        #expect(try await version() == 1)
        let proven = try await active(store)
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: proven))
        #expect(try await version() == 2)
        #expect(try await store.renameLibrary("central", to: "main") { _ in } == 1)
        #expect(try await store.renameLibrary("central", to: "main") { _ in } == 0)
        #expect(try await version() == 3)
        try await store.suspend(proven.id)
        #expect(try await version() == 4)
        try await store.store(registration())
        #expect(try await version() == 5)
        #expect(try await store.countBirthDateTry(of: try await active(store)) != nil)
        #expect(try await version() == 6)
    }

    @Test("What was removed while its card proved itself is not pinned")
    func pinOfNothing() async throws {
        let store = try folder.store(key)
        try await store.store(registration())
        let proven = try await active(store)
        try await store.remove(proven.id)
        #expect(try await store.pin(cardKey: cardKey, recordIssuer: [1], for: proven) == false)
    }

    @Test(
        "A record sealed by another hand: bound to row, version and format; one without the count of refusals has none")
    func format() throws {
        let id = RegistrationID(bytes: (0..<32).map { UInt8($0) })
        let version: Int64 = 0x0102_0304_0506_0708
        let sealed = try AESGCM.sealRecord(
            Array(
                #"{"state":"active","certificate":"AQID","ppids":{"central":"P"},"serviceIDs":{},"birthDate":"1980-02-17","since":5}"#
                    .utf8),
            key: key,
            associated: Array("kazashi registration 1".utf8) + (0..<32).map { UInt8($0) } + [1, 2, 3, 4, 5, 6, 7, 8])
        let opened = try SealedRecord.open(sealed, id: id, version: version, key: key)
        #expect(opened.certificate.revealed == [1, 2, 3] && opened.ppids["central"]?.revealed == "P")
        #expect(opened.birthDateRefusals == 0 && opened.since == 5 && opened.state == .active)
        for other in [version + 1, version - 1, version + (1 << 56), version - 0x0100] {
            #expect(throws: (any Error).self) { try SealedRecord.open(sealed, id: id, version: other, key: key) }
        }
    }

    @Test("The list shows keyed hashes, and nothing of anybody")
    func list() async throws {
        let store = try folder.store(key)
        try await store.store(registration(cardKey: cardKey))
        let line = try #require(try await store.list().first)
        #expect(line.id.count == 16 && line.isPinned && line.libraries == ["central"] && line.state == .active)
        #expect(try await store.id(short: line.id.uppercased()) == active(store).id)
        await #expect(throws: RegistryError(.unknownID)) { try await store.id(short: "0000000000000000") }
    }

    @Test("A database whose pages are not as they were is damaged, and says SQLite's number")
    func damagedPages() async throws {
        let store = try folder.store(key)
        for number in 0..<50 {
            var one = registration(ppid: "PPID-\(number)")
            one.certificate = Confidential(Array("certificate \(number)".utf8))
            try await store.store(one)
        }
        store.close()
        // Every page but the first.
        var bytes = try Data(contentsOf: URL(filePath: folder.file))
        bytes.replaceSubrange(4_096..<bytes.count, with: Data(repeating: 0x55, count: bytes.count - 4_096))
        try bytes.write(to: URL(filePath: folder.file))
        let error = await #expect(throws: RegistryError.self) { _ = try await folder.store(key).all() }
        #expect(error == RegistryError(.damaged, status: 11))
    }

    @Test("A file that is no database is damaged, not overwritten")
    func noDatabase() throws {
        let garbage = Data(repeating: 0x55, count: 4_096)
        try garbage.write(to: URL(filePath: folder.file))
        #expect(throws: (any Error).self) { try folder.store(key) }
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == garbage)
    }

    @Test("A damaged database, one that is none, and one that can't be used are told apart, with SQLite's number")
    func named() {
        for (code, named) in [
            (ResultCode.SQLITE_CORRUPT, RegistryError.Code.damaged), (.SQLITE_NOTADB, .damaged),
            (.SQLITE_FULL, .unavailable),
            (.SQLITE_IOERR, .unavailable),
        ] {
            let error = RegistrationStore.named(DatabaseError(resultCode: code))
            #expect(error.code == named && error.status == Int(code.rawValue))
        }
    }
}
