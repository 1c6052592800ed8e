internal import Cryptography
internal import GRDB
internal import Glibc
internal import SecurityEvents

/// What the library's own table says of a pseudonym.
package struct PatronRecord: Sendable, Equatable {
    package var cardNumber: String?
    package var displayName: String
    package var notes: String
    /// The library that the card belongs to, where it is not this one.
    package var elsewhere: String?

    package init(cardNumber: String?, displayName: String, notes: String = "", elsewhere: String? = nil) {
        (self.cardNumber, self.displayName, self.notes) = (cardNumber, displayName, notes)
        self.elsewhere = elsewhere
    }
}

/// The desk's SQLite file: the numbers of tokens that were seen, with their answers, and the patrons' records.
final class RecipientStore: Sendable {
    private let database: DatabaseQueue

    /// A token that passed the checks up to its number.
    struct Entry: Sendable {
        let kiosk: String
        let jti: TokenID
        /// When it may be forgotten, seconds since 1970.
        let until: Int64
        let event: Result<SecurityEvent, PushError>
    }

    enum Verdict: Sendable {
        /// Never seen: it was acted on, where there was something to act on.
        case new
        /// The same answer as then, and no second action.
        case seen(PushError?)
    }

    /// What is done about an event that was never seen.
    struct Action: Sendable {
        /// With the record of the person it is about, where there is one.
        /// - Returns: what is done once it is remembered: a number that was typed can't be taken back.
        let act: @Sendable (Entry, SecurityEvent, PatronRecord?) -> (@Sendable () -> Void)?
        /// Takes it back, when it could not be remembered.
        let undo: @Sendable (Entry) -> Void
    }

    /// - Parameter path: nil: in memory, gone with the desk.
    init(path: String?) throws {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { db in
            // What is committed outlives the process at once, and a power cut from the next checkpoint on.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        if let path {
            try Self.makePrivate(path)
            configuration.journalMode = .wal
            database = try DatabaseQueue(path: path, configuration: configuration)
        } else {
            database = try DatabaseQueue(configuration: configuration)
        }
        try database.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS seen (
                        kiosk TEXT NOT NULL, jti TEXT NOT NULL, until INTEGER NOT NULL, error TEXT,
                        PRIMARY KEY (kiosk, jti)
                    ) WITHOUT ROWID, STRICT;
                    CREATE INDEX IF NOT EXISTS seen_until ON seen (until);
                    CREATE TABLE IF NOT EXISTS patron (
                        ppid TEXT PRIMARY KEY NOT NULL, card_number TEXT, display_name TEXT NOT NULL,
                        notes TEXT NOT NULL, elsewhere TEXT
                    ) WITHOUT ROWID, STRICT;
                    """)
        }
    }

    /// Patrons' names are in it: nobody else reads it, nor the files that SQLite lays beside it, which get its mode.
    private static func makePrivate(_ path: String) throws {
        // Never opened where it exists: to close it would let go of SQLite's locks.
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        guard chmod(path, 0o600) == 0 else { throw DatabaseError(resultCode: .SQLITE_CANTOPEN) }
        for ending in ["-wal", "-shm"] { chmod(path + ending, 0o600) }
    }

    /// Looks each number up, acts on what is new and keeps it, all in one transaction: once this has returned, no
    /// restart forgets them, and when it throws, nothing is kept. One transaction after the other, so that what is
    /// withdrawn is never acted on after its withdrawal.
    func register(_ entries: [Entry], now: Int64, _ action: Action) throws -> [Verdict] {
        try database.write { db in try Self.register(entries, now: now, action, db) }
    }

    func register(_ entries: [Entry], now: Int64, _ action: Action) async throws -> [Verdict] {
        try await database.write { db in try Self.register(entries, now: now, action, db) }
    }

    private static func register(_ entries: [Entry], now: Int64, _ action: Action, _ db: Database) throws -> [Verdict] {
        try entries.map { entry in
            let error: PushError? = if case .failure(let error) = entry.event { error } else { nil }
            let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)")
            try insert.execute(arguments: [entry.kiosk, entry.jti.text, entry.until, error?.rawValue])
            guard db.changesCount > 0 else {
                let select = try db.cachedStatement(sql: "SELECT error FROM seen WHERE kiosk = ? AND jti = ?")
                let text = try String.fetchOne(select, arguments: [entry.kiosk, entry.jti.text])
                return .seen(text.flatMap { PushError(rawValue: $0) })
            }
            guard case .success(let event) = entry.event else { return .new }
            if case .kiosk(.withdrawn(let jti)) = event {
                // Should what is withdrawn come later, it was seen: it may take a minute.
                let next = try db.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, NULL)")
                try next.execute(arguments: [entry.kiosk, jti.text, now + 150])
            }
            if case .person(.replaced(let previous), let subject) = event {
                try move(previous.revealed, to: subject.subject, db)
            }
            let known = try event.subject.flatMap { try record(of: $0.subject, db) }
            let remembered = action.act(entry, event, known)
            db.afterNextTransaction(onCommit: { _ in remembered?() }, onRollback: { _ in action.undo(entry) })
            return .new
        }
    }

    /// Forgets the numbers that may be forgotten.
    func prune(now: Int64) throws {
        try database.write { db in try db.execute(sql: "DELETE FROM seen WHERE until < ?", arguments: [now]) }
    }

    private static func record(of ppid: String, _ db: Database) throws -> PatronRecord? {
        let select = try db.cachedStatement(
            sql: "SELECT card_number, display_name, notes, elsewhere FROM patron WHERE ppid = ?")
        return try Row.fetchOne(select, arguments: [ppid]).map { row in
            PatronRecord(
                cardNumber: row["card_number"], displayName: row["display_name"], notes: row["notes"],
                elsewhere: row["elsewhere"])
        }
    }

    /// Stores a record, or puts it in the place of the one that is there.
    func save(_ record: PatronRecord, for ppid: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO patron VALUES (?, ?, ?, ?, ?)",
                arguments: [ppid, record.cardNumber, record.displayName, record.notes, record.elsewhere])
        }
    }

    /// A record goes over to the pseudonym that takes the place of another.
    private static func move(_ ppid: String, to new: String, _ db: Database) throws {
        try db.execute(sql: "UPDATE OR IGNORE patron SET ppid = ? WHERE ppid = ?", arguments: [new, ppid])
    }
}
