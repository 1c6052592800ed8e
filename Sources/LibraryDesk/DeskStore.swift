internal import Announcement
internal import Cryptography
internal import GRDB

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
final class DeskStore: Sendable {
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
        /// Never seen: to be acted on. The record of the person it is about, where there is one.
        case new(PatronRecord?)
        /// The same answer as then, and no second action.
        case seen(PushError?)
    }

    /// - Parameter path: nil: in memory, gone with the desk.
    init(path: String?) throws {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { db in
            // What is committed outlives the process at once, and a power cut from the next checkpoint on.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        if let path {
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

    /// Looks each number up and keeps it, all in one transaction: once this has returned, no restart forgets them.
    func register(_ entries: [Entry], now: Int64) throws -> [Verdict] {
        try database.write { db in try Self.register(entries, now: now, db) }
    }

    func register(_ entries: [Entry], now: Int64) async throws -> [Verdict] {
        try await database.write { db in try Self.register(entries, now: now, db) }
    }

    private static func register(_ entries: [Entry], now: Int64, _ db: Database) throws -> [Verdict] {
        try entries.map { entry in
            let error: PushError? = if case .failure(let error) = entry.event { error } else { nil }
            let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)")
            try insert.execute(arguments: [entry.kiosk, entry.jti.text, entry.until, error?.rawValue])
            guard db.changesCount > 0 else {
                let select = try db.cachedStatement(sql: "SELECT error FROM seen WHERE kiosk = ? AND jti = ?")
                let text = try String.fetchOne(select, arguments: [entry.kiosk, entry.jti.text])
                return .seen(text.flatMap { PushError(rawValue: $0) })
            }
            guard case .success(let event) = entry.event else { return .new(nil) }
            if case .kiosk(.withdrawn(let jti)) = event {
                // Should what is withdrawn come later, it was seen: it may take a minute.
                let next = try db.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, NULL)")
                try next.execute(arguments: [entry.kiosk, jti.text, now + 150])
            }
            if case .person(.replaced(let previous), let subject) = event {
                try move(previous.revealed, to: subject.subject, db)
            }
            return .new(try event.subject.flatMap { try record(of: $0.subject, db) })
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
