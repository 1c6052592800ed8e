package import Cryptography
internal import FoundationEssentials
package import GRDB

/// The registrations in the kiosk's one database. Every record is sealed; it is found by a keyed hash.
package final class RegistrationStore: Sendable {
    private let database: any DatabaseWriter
    private let keys: RegistryKeys
    private let changed: Change
    private let erased: @Sendable () -> Void

    /// Called with what a registration was and is, in the transaction that changes it; nil: there was or is none. What it
    /// throws undoes the change.
    package typealias Change = @Sendable (_ old: Registration?, _ new: Registration?, Database) throws -> Void

    /// - Parameters:
    ///   - database: opened by the kiosk, which hands it to every room that has tables.
    ///   - storageKey: 32 bytes.
    ///   - changed: writes what a change owes to others.
    ///   - erased: called when something of a record was taken away: the write-ahead log still holds it.
    /// - Throws: `wrongKey` before anything is written, `unavailable`.
    package init(
        database: any DatabaseWriter, storageKey: SecretBytes, changed: @escaping Change = { _, _, _ in },
        erased: @escaping @Sendable () -> Void = {}
    ) throws(RegistryError) {
        (self.database, self.changed, self.erased) = (database, changed, erased)
        keys = try Self.keys(storageKey)
        let check = keys.check
        guard try Self.storedCheck(in: database, against: check) == nil else { return }
        do {
            try database.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE registration (
                            id BLOB PRIMARY KEY NOT NULL,
                            version INTEGER NOT NULL,
                            sealed BLOB NOT NULL
                        ) WITHOUT ROWID, STRICT;
                        CREATE TABLE registry_key (value BLOB NOT NULL) STRICT;
                        """)
                try db.execute(sql: "INSERT INTO registry_key VALUES (?)", arguments: [Data(check)])
            }
        } catch {
            throw Self.named(error)
        }
    }

    /// Says by a reader that can't write whether `storageKey` is the one that the database was made with: opening it to
    /// write changes it already.
    /// - Throws: `wrongKey`, `damaged`, `unavailable`.
    package static func checkKey(_ storageKey: SecretBytes, of database: any DatabaseReader) throws(RegistryError) {
        _ = try storedCheck(in: database, against: keys(storageKey).check)
    }

    private static func keys(_ storageKey: SecretBytes) throws(RegistryError) -> RegistryKeys {
        do {
            return try RegistryKeys(storageKey: storageKey)
        } catch {
            throw RegistryError(.damaged)
        }
    }

    /// The stored check; nil in a database that is new.
    private static func storedCheck(in database: any DatabaseReader, against check: [UInt8]) throws(RegistryError)
        -> Data?
    {
        do {
            let known = try database.read { db in
                try db.tableExists("registry_key") ? Data.fetchOne(db, sql: "SELECT value FROM registry_key") : nil
            }
            if let known, !known.elementsEqual(check) { throw RegistryError(.wrongKey) }
            return known
        } catch {
            throw named(error)
        }
    }

    /// Writes what SQLite still holds beside the file into it, and lets go of it.
    package func close() { try? database.close() }

    /// The registration of a certificate, by its bytes: no parser sees bytes that are not registered.
    package func lookUp(certificate: [UInt8]) async throws(RegistryError) -> LookUpResult {
        let id = keys.id(of: certificate)
        let found: Loaded?
        do {
            found = try await database.read { [keys] db in try Self.load(db, id, keys) }
        } catch {
            throw Self.named(error)
        }
        guard let found else { return .unknown }
        switch found.registration.state {
        case .suspended: return .suspended
        case .active:
            return .active(ActiveRegistration(id: id, registration: found.registration, version: found.version))
        }
    }

    /// Stores a registration made anew. A pinned card key stays: neither this nor a suspension erases it. So does the count of
    /// refused birth dates where it brings the same one: what is imported every night spends no tries every night.
    /// - Throws: `otherCardKey` when the record brings another card key than the pinned one.
    package func store(_ registration: Registration) async throws(RegistryError) {
        let id = keys.id(of: registration.certificate.revealed)
        let isReplaced = try await write { [changed] db, keys in
            var registration = registration
            let known = try Self.load(db, id, keys)
            if let known, let pinned = known.registration.cardKey {
                guard registration.cardKey == nil || registration.cardKey == pinned else {
                    throw RegistryError(.otherCardKey)
                }
                registration.cardKey = pinned
                registration.recordIssuer = known.registration.recordIssuer
            }
            // The same record again brings nothing new to try.
            if let known = known?.registration, known.birthDate == registration.birthDate,
                known.birthKey == registration.birthKey
            {
                registration.birthDateRefusals = known.birthDateRefusals
            }
            try Self.save(db, id, registration, version: (known?.version ?? 0) + 1, keys)
            try changed(known?.registration, registration, db)
            return known != nil
        }
        if isReplaced { erased() }
    }

    /// Pins the card's key at its first proof, by compare-and-set: true when it is the pinned one afterwards. A registration
    /// that was made anew since it was looked up is another than the one that was proven.
    package func pin(cardKey: [UInt8], recordIssuer: [UInt8], for active: ActiveRegistration)
        async throws(RegistryError) -> Bool
    {
        let id = active.id
        defer { erased() }
        return try await write { db, keys in
            guard var known = try Self.load(db, id, keys) else { return false }
            if let pinned = known.registration.cardKey {
                guard pinned.revealed == cardKey else { return false }
            } else {
                guard known.version == active.version else { return false }
            }
            known.registration.cardKey = Confidential(cardKey)
            known.registration.recordIssuer = recordIssuer
            known.registration.birthDateRefusals = 0
            try Self.save(db, id, known.registration, version: known.version + 1, keys)
            return true
        }
    }

    /// The birth date is about to be tried on an unproven card: counted before, so that a card that is pulled, or a kiosk that
    /// loses its power, spends no try that nobody knows of.
    /// - Returns: the registration as it is then; nil where it was made anew meanwhile.
    package func countBirthDateTry(of active: ActiveRegistration) async throws(RegistryError) -> ActiveRegistration? {
        try await changeRefusals(of: active) { $0 + 1 }
    }

    /// The card accepted it.
    /// - Returns: as `countBirthDateTry`.
    package func birthDateAccepted(of active: ActiveRegistration) async throws(RegistryError) -> ActiveRegistration? {
        try await changeRefusals(of: active) { _ in 0 }
    }

    private func changeRefusals(of active: ActiveRegistration, _ change: @escaping @Sendable (Int) -> Int)
        async throws(RegistryError) -> ActiveRegistration?
    {
        let id = active.id
        defer { erased() }
        return try await write { db, keys in
            guard var known = try Self.load(db, id, keys), known.version == active.version else { return nil }
            known.registration.birthDateRefusals = change(known.registration.birthDateRefusals)
            try Self.save(db, id, known.registration, version: known.version + 1, keys)
            return ActiveRegistration(id: id, registration: known.registration, version: known.version + 1)
        }
    }

    /// Staff says that the birth date may be tried again.
    package func retryBirthDate(_ id: RegistrationID) async throws(RegistryError) {
        try await change(id) { $0.birthDateRefusals = 0 }
    }

    package func suspend(_ id: RegistrationID) async throws(RegistryError) {
        try await change(id) { $0.state = .suspended }
    }

    /// The next proof pins again: for a card that was replaced without a new certificate, at the counter.
    package func forgetCardKey(_ id: RegistrationID) async throws(RegistryError) {
        try await change(id) {
            $0.cardKey = nil
            $0.recordIssuer = nil
            $0.birthDateRefusals = 0
        }
    }

    package func remove(_ id: RegistrationID) async throws(RegistryError) {
        try await write { [changed] db, keys in
            guard let known = try Self.row(db, id) else { throw RegistryError(.unknownID) }
            // A damaged record can be removed too; nobody can be told whose it was.
            let old = try? Self.open(known, id, keys).registration
            try db.execute(sql: "DELETE FROM registration WHERE id = ?", arguments: [Data(id.bytes)])
            try changed(old, nil, db)
        }
        erased()
    }

    /// Moves every registration's part of one library to another name, in one transaction with `also`.
    /// - Returns: how many registrations had it.
    /// - Throws: `libraryTaken` when one has both names already.
    package func renameLibrary(
        _ old: String, to new: String, also: @escaping @Sendable (Database) throws -> Void
    ) async throws(RegistryError) -> Int {
        defer { erased() }
        return try await write { db, keys in
            var count = 0
            for row in try Row.fetchAll(db, sql: "SELECT id, version, sealed FROM registration") {
                let id = RegistrationID(bytes: Array(try Self.value(Data.self, "id", of: row)))
                // A damaged one hides none of the others, and can only be removed.
                guard var known = try? Self.open(row, id, keys), let ppid = known.registration.ppids[old] else {
                    continue
                }
                guard known.registration.ppids[new] == nil else { throw RegistryError(.libraryTaken) }
                known.registration.ppids[old] = nil
                known.registration.ppids[new] = ppid
                known.registration.serviceIDs[new] = known.registration.serviceIDs.removeValue(forKey: old)
                try Self.save(db, id, known.registration, version: known.version + 1, keys)
                count += 1
            }
            try also(db)
            return count
        }
    }

    /// Every registration, for `export` and `list`; a damaged row hides none of the others.
    package func all() async throws(RegistryError) -> [StoredRegistration] {
        do {
            return try await database.read { [keys] db in
                try Row.fetchAll(db, sql: "SELECT id, version, sealed FROM registration").map { row in
                    let id = RegistrationID(bytes: Array(try Self.value(Data.self, "id", of: row)))
                    return StoredRegistration(id: id, registration: try? Self.open(row, id, keys).registration)
                }
            }
        } catch {
            throw Self.named(error)
        }
    }

    package func list() async throws(RegistryError) -> [RegistrationSummary] {
        try await all().map(RegistrationSummary.init)
    }

    /// The registrations whose id begins with what an operator typed.
    /// - Throws: `unknownID` when there is none, or more than one.
    package func id(short: String) async throws(RegistryError) -> RegistrationID {
        let short = short.lowercased()
        let ids: [RegistrationID]
        do {
            ids = try await database.read { db in
                try Data.fetchAll(db, sql: "SELECT id FROM registration").map { RegistrationID(bytes: Array($0)) }
            }
        } catch {
            throw Self.named(error)
        }
        let matches = ids.filter { $0.short == short }
        guard let id = matches.first, matches.count == 1 else { throw RegistryError(.unknownID) }
        return id
    }

    // MARK: Rows

    private func change(_ id: RegistrationID, _ body: @escaping @Sendable (inout Registration) -> Void)
        async throws(RegistryError)
    {
        try await write { [changed] db, keys in
            guard var known = try Self.load(db, id, keys) else { throw RegistryError(.unknownID) }
            let old = known.registration
            body(&known.registration)
            try Self.save(db, id, known.registration, version: known.version + 1, keys)
            try changed(old, known.registration, db)
        }
        erased()
    }

    private func write<Value: Sendable>(_ body: @escaping @Sendable (Database, RegistryKeys) throws -> Value)
        async throws(RegistryError) -> Value
    {
        do {
            return try await database.write { [keys] db in try body(db, keys) }
        } catch {
            throw Self.named(error)
        }
    }

    private struct Loaded {
        var registration: Registration
        let version: Int64
    }

    private static func load(_ db: Database, _ id: RegistrationID, _ keys: RegistryKeys) throws -> Loaded? {
        try row(db, id).map { try open($0, id, keys) }
    }

    private static func row(_ db: Database, _ id: RegistrationID) throws -> Row? {
        try Row.fetchOne(
            db, sql: "SELECT id, version, sealed FROM registration WHERE id = ?", arguments: [Data(id.bytes)])
    }

    private static func open(_ row: Row, _ id: RegistrationID, _ keys: RegistryKeys) throws -> Loaded {
        let version = try value(Int64.self, "version", of: row)
        let sealed = Array(try value(Data.self, "sealed", of: row))
        return Loaded(
            registration: try SealedRecord.open(sealed, id: id, version: version, key: keys.sealing), version: version)
    }

    /// A column's value; a damaged file may hold another type than the table's.
    private static func value<Value: DatabaseValueConvertible>(_ type: Value.Type, _ column: String, of row: Row) throws
        -> Value
    {
        let raw: DatabaseValue = row[column]
        guard let value = Value.fromDatabaseValue(raw) else { throw RegistryError(.damaged) }
        return value
    }

    private static func save(
        _ db: Database, _ id: RegistrationID, _ registration: Registration, version: Int64, _ keys: RegistryKeys
    ) throws {
        let sealed = try SealedRecord.seal(registration, id: id, version: version, key: keys.sealing)
        try db.execute(
            sql: "INSERT OR REPLACE INTO registration (id, version, sealed) VALUES (?, ?, ?)",
            arguments: [Data(id.bytes), version, Data(sealed)])
    }

    /// GRDB's errors carry statements: only their numbers go on.
    static func named(_ error: any Error) -> RegistryError {
        switch error {
        case let error as RegistryError: error
        case let error as DatabaseError:
            error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
                ? RegistryError(.damaged, status: Int(truncatingIfNeeded: error.resultCode.rawValue))
                : RegistryError(.unavailable, status: Int(truncatingIfNeeded: error.resultCode.rawValue))
        default: RegistryError(.damaged)
        }
    }
}
