package import GRDB
internal import Registry

/// The database's two numbers: its schema, and the oldest program that may use it. After an update that fell back, the
/// program of before must still start where it can.
package enum DatabaseSchema {
    /// What this program writes.
    package static let current = 1
    /// The oldest program's `current` that can use what this one writes.
    package static let oldestReader = 1

    /// What leads from each schema to the next one; the first is what there was before it had a number.
    private static let steps: [@Sendable (Database) throws -> Void] = [
        { db in
            try db.execute(
                sql: "CREATE TABLE schema (current INTEGER NOT NULL, oldest_reader INTEGER NOT NULL) STRICT;")
            try db.execute(sql: "INSERT INTO schema VALUES (0, 0)")
        }
    ]

    private struct Numbers { let current, oldestReader: Int }

    private static func numbers(_ db: Database) throws -> Numbers {
        guard try db.tableExists("schema") else { return Numbers(current: 0, oldestReader: 0) }
        guard let row = try Row.fetchOne(db, sql: "SELECT current, oldest_reader FROM schema"),
            let current = Int.fromDatabaseValue(row["current"]), current >= 0,
            let oldest = Int.fromDatabaseValue(row["oldest_reader"])
        else { throw RegistryError(.damaged) }
        return Numbers(current: current, oldestReader: oldest)
    }

    /// Says whether this program may use the database, without writing.
    /// - Throws: `newerSchema`, `damaged`, and GRDB's errors.
    package static func check(_ db: Database) throws {
        if try numbers(db).oldestReader > current { throw RegistryError(.newerSchema) }
    }

    /// Writes what stands there already: whether the database takes anything.
    package static func touch(_ db: Database) throws {
        try db.execute(sql: "UPDATE schema SET current = current")
    }

    /// Brings an older schema to this program's; a newer one that allows it stays as it is.
    package static func migrate(_ db: Database) throws {
        let before = try numbers(db).current
        guard before < current else { return }
        for step in steps.dropFirst(before) { try step(db) }
        try db.execute(sql: "UPDATE schema SET current = ?, oldest_reader = ?", arguments: [current, oldestReader])
    }
}
