package import Cryptography
internal import FoundationEssentials
package import GRDB
package import SecurityEvents

/// An event that a library must get, however long it takes: not a tap's.
package struct OwedEvent: Sendable, CustomStringConvertible {
    /// By name.
    package let library: String
    package let event: SecurityEvent
    /// The same at every attempt.
    package let jti: TokenID
    /// When it happened, seconds since 1970; nil where no time was believed then: it gets its date when one is.
    package let toe: Int64?

    /// - Throws: `notOwed` for a tap's own event: it is sent with a clearance and at once, or not at all; `unavailable`
    ///   without randomness.
    package init(library: String, event: SecurityEvent, toe: Int64?) throws(OutboxError) {
        switch event {
        case .person(.presented, _), .kiosk(.withdrawn), .kiosk(.presenceEnded): throw .notOwed
        case .person(.registered, _), .person(.suspended, _), .person(.removed, _), .person(.attributesChanged, _),
            .person(.replaced, _), .kiosk(.outOfService), .kiosk(.cardLeft):
            break
        }
        guard let jti = try? TokenID() else { throw .unavailable }
        self.init(library: library, event: event, jti: jti, toe: toe)
    }

    init(library: String, event: SecurityEvent, jti: TokenID, toe: Int64?) {
        (self.library, self.event, self.jti) = (library, event, jti)
        self.toe = toe.flatMap { $0 < Self.earliest ? nil : $0 }
    }

    /// What is dated before the first kiosk (the year 2025) was dated by a clock that had not been set.
    private static let earliest: Int64 = 1_735_689_600

    package var description: String { "[owed]" }
}

/// What is wrong with the outbox.
package enum OutboxError: String, Error, Sendable {
    /// The database cannot be read or written.
    case unavailable
    /// It is a tap's event.
    case notOwed = "not_owed"
}

/// Events that are owed, in the kiosk's one database: sealed, in order, gone from the disk when a library has them.
package final class Outbox: Sendable {
    private let database: any DatabaseWriter
    private let key: SecretBytes
    private let erased: @Sendable () -> Void

    /// - Parameters:
    ///   - database: opened by the kiosk, which hands it to every room that has tables.
    ///   - storageKey: 32 bytes.
    ///   - erased: called when a row was taken away: the write-ahead log still holds it.
    /// - Throws: `unavailable`.
    package init(
        database: any DatabaseWriter, storageKey: SecretBytes, erased: @escaping @Sendable () -> Void = {}
    ) throws(OutboxError) {
        (self.database, self.erased) = (database, erased)
        do {
            key = try derivedKey(from: storageKey, purpose: "kazashi outbox sealing 1")
            try database.write { db in
                // A number is never used twice: a row that was taken away can't be put back under another's.
                try db.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS owed (
                            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                            library TEXT NOT NULL,
                            sealed BLOB NOT NULL
                        ) STRICT;
                        CREATE INDEX IF NOT EXISTS owed_by_library ON owed (library, sequence);
                        """)
            }
        } catch {
            throw .unavailable
        }
    }

    /// These names are owed word of changes from now on: also while one of them stands in no configuration, until it is
    /// renamed or dropped. What changes meanwhile would be lost otherwise.
    package func remember(_ libraries: Set<String>, in db: Database) throws {
        try db.execute(
            sql: "CREATE TABLE IF NOT EXISTS owed_to (library TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        for library in libraries {
            try db.execute(sql: "INSERT OR IGNORE INTO owed_to VALUES (?)", arguments: [library])
        }
    }

    /// As `remember`, by itself.
    /// - Throws: `unavailable`.
    package func remember(_ libraries: Set<String>) async throws(OutboxError) {
        try await write { outbox, db in try outbox.remember(libraries, in: db) }
    }

    /// Who is remembered, by name.
    package func owedTo(in db: Database) throws -> Set<String> {
        guard try db.tableExists("owed_to") else { return [] }
        return try Set(
            Row.fetchAll(db, sql: "SELECT library FROM owed_to").compactMap { String.fromDatabaseValue($0["library"]) })
    }

    private func forget(_ library: String, in db: Database) throws {
        guard try db.tableExists("owed_to") else { return }
        try db.execute(sql: "DELETE FROM owed_to WHERE library = ?", arguments: [library])
    }

    /// Who is remembered, by name.
    /// - Throws: `unavailable`.
    package func remembered() async throws(OutboxError) -> Set<String> {
        try await read { outbox, db in try outbox.owedTo(in: db) }
    }

    /// Adds an event in the caller's transaction: what is changed and what is owed for it are written together.
    package func add(_ owed: OwedEvent, in db: Database) throws {
        try db.execute(sql: "INSERT INTO owed (library, sealed) VALUES (?, x'')", arguments: [owed.library])
        let sequence = db.lastInsertedRowID
        let sealed = try seal(owed, sequence)
        try db.execute(sql: "UPDATE owed SET sealed = ? WHERE sequence = ?", arguments: [Data(sealed), sequence])
    }

    /// Adds an event by itself.
    /// - Throws: `unavailable`.
    package func add(_ owed: OwedEvent) async throws(OutboxError) {
        try await write { outbox, db in try outbox.add(owed, in: db) }
    }

    /// An event with its place in the order.
    struct Entry: Sendable {
        let sequence: Int64
        /// Nil: the row is damaged.
        let owed: OwedEvent?
    }

    /// What a library is owed first; nil: nothing.
    func first(for library: String) async throws(OutboxError) -> Entry? {
        try await read { outbox, db in
            try Row.fetchOne(
                db, sql: "SELECT sequence, sealed FROM owed WHERE library = ? ORDER BY sequence LIMIT 1",
                arguments: [library]
            ).map { outbox.entry($0, library) }
        }
    }

    /// Gives an event that has none its date, which stays the same at every attempt; nothing where another process moved or
    /// dropped it meanwhile.
    /// - Parameter time: seconds since 1970.
    func date(_ entry: Entry, _ owed: OwedEvent, at time: Int64) async throws(OutboxError) {
        let dated = OwedEvent(library: owed.library, event: owed.event, jti: owed.jti, toe: time)
        try await write { outbox, db in
            try db.execute(
                sql: "UPDATE owed SET sealed = ? WHERE sequence = ? AND library = ?",
                arguments: [Data(try outbox.seal(dated, entry.sequence)), entry.sequence, owed.library])
        }
    }

    /// Takes it off the disk.
    func settle(_ entry: Entry) async throws(OutboxError) {
        try await write { _, db in
            try db.execute(sql: "DELETE FROM owed WHERE sequence = ?", arguments: [entry.sequence])
        }
        erased()
    }

    /// What was owed under one name is owed under another, in the caller's transaction; in its order, after what the other
    /// is owed already where that came first.
    package func rename(_ old: String, to new: String, in db: Database) throws {
        try forget(old, in: db)
        try remember([new], in: db)
        for row in try Row.fetchAll(db, sql: "SELECT sequence, sealed FROM owed WHERE library = ?", arguments: [old]) {
            let entry = entry(row, old)
            // One that is damaged stays where it is, to be dropped.
            guard let owed = entry.owed else { continue }
            let moved = OwedEvent(library: new, event: owed.event, jti: owed.jti, toe: owed.toe)
            try db.execute(
                sql: "UPDATE owed SET library = ?, sealed = ? WHERE sequence = ?",
                arguments: [new, Data(try seal(moved, entry.sequence)), entry.sequence])
        }
    }

    /// Takes all that a library is owed off the disk; it is owed nothing any more.
    /// - Returns: how many events.
    /// - Throws: `unavailable`.
    package func drop(_ library: String) async throws(OutboxError) -> Int {
        let count = try await write { outbox, db in
            try outbox.forget(library, in: db)
            try db.execute(sql: "DELETE FROM owed WHERE library = ?", arguments: [library])
            return db.changesCount
        }
        erased()
        return count
    }

    /// How many events each library is owed.
    package func depth() async throws(OutboxError) -> [String: Int] {
        try await read { _, db in
            try Row.fetchAll(db, sql: "SELECT library, count(*) AS n FROM owed GROUP BY library").reduce(into: [:]) {
                if let library = String.fromDatabaseValue($1["library"]) {
                    $0[library] = Int.fromDatabaseValue($1["n"])
                }
            }
        }
    }

    // MARK: Rows

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Outbox, Database) throws -> Value)
        async throws(OutboxError) -> Value
    {
        do {
            return try await database.read { db in try body(self, db) }
        } catch {
            throw .unavailable
        }
    }

    private func write<Value: Sendable>(_ body: @escaping @Sendable (Outbox, Database) throws -> Value)
        async throws(OutboxError) -> Value
    {
        do {
            return try await database.write { db in try body(self, db) }
        } catch {
            throw .unavailable
        }
    }

    /// A damaged file may hold another type than the table's.
    private func entry(_ row: Row, _ library: String) -> Entry {
        let sequence = Int64.fromDatabaseValue(row["sequence"]) ?? 0
        let sealed = Array(Data.fromDatabaseValue(row["sealed"]) ?? Data())
        return Entry(sequence: sequence, owed: try? open(sealed, library, sequence))
    }

    // MARK: Sealing

    /// Bound to this format, the library and the place in the order.
    private func associated(_ library: String, _ sequence: Int64) -> [UInt8] {
        Array("kazashi owed 1".utf8) + (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * $0)) }
            + Array(library.utf8)
    }

    /// What lies inside are claims without a kiosk: who signs them, and when, is settled at each attempt.
    private func seal(_ owed: OwedEvent, _ sequence: Int64) throws -> [UInt8] {
        let toe = owed.toe ?? 0
        let claims = EventClaims(iss: "", aud: owed.library, iat: toe, toe: toe, jti: owed.jti, event: owed.event)
        var plaintext = try claims.encoded()
        defer { wipe(&plaintext) }
        return try AESGCM.sealRecord(plaintext, key: key, associated: associated(owed.library, sequence))
    }

    private func open(_ sealed: [UInt8], _ library: String, _ sequence: Int64) throws -> OwedEvent {
        let plaintext = try AESGCM.openRecord(sealed, key: key, associated: associated(library, sequence))
        let claims = try plaintext.withBytes { try ReceivedClaims(json: $0) }
        return OwedEvent(library: library, event: try claims.event(), jti: claims.jti, toe: claims.toe)
    }
}
