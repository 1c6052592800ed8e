package import Announcement
package import Cryptography
internal import Files
internal import FoundationEssentials
internal import GRDB
internal import Glibc
package import Registry

/// The one database, and the rooms that have tables in it.
package struct KioskDatabase: Sendable {
    package let registrations: RegistrationStore
    package let outbox: Outbox
    /// What a change is dated with, seconds since 1970; nil while no time is believed.
    package let now: @Sendable () -> Int64?
    private let eraser: Eraser

    /// How long another program may be at the same file while it is opened: a card of flash takes seconds now and then.
    private static let openingPatience = Duration.seconds(10)

    package static func path(in state: String) -> String { state + "/kazashi.sqlite" }

    /// Opens it under `state`; the folder and the file are made when they are not there.
    /// - Parameters:
    ///   - platform: the issuer of pseudonyms.
    ///   - libraries: who is owed word of a change, by name.
    ///   - now: what a change is dated with, seconds since 1970; nil while no time is believed.
    package init(
        state: String, storageKey: SecretBytes, platform: String, libraries: [String],
        now: @escaping @Sendable () -> Int64?
    ) throws(RegistryError) {
        // What is inside is sealed; that it is there at all is nobody else's business either.
        // The state is its owner's, also where root writes: SQLite gives its other files the database's owner.
        let path = Self.path(in: state)
        // A new database is made by one program: SQLite has nobody wait who finds it being made.
        let lock: FolderLock
        do {
            try Ownership.makeFolder(state, mode: 0o700)
            lock = try FolderLock(folder: state, patience: Self.openingPatience)
            NewFile.removeLeftovers(in: state)
            try Ownership.makeFile(path)
        } catch {
            throw RegistryError(.unavailable)
        }
        defer { withExtendedLifetime(lock) {} }
        var options = GRDB.Configuration()
        options.journalMode = .wal
        options.busyMode = .timeout(Self.openingPatience / .seconds(1))
        options.prepareDatabase { db in
            // What is owed and what is pinned must survive a pulled plug; what was removed must be gone.
            try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
        }
        let database: DatabaseQueue
        do {
            var readOnly = GRDB.Configuration()
            readOnly.readonly = true
            readOnly.busyMode = options.busyMode
            let reader = try DatabaseQueue(path: path, configuration: readOnly)
            try reader.read { try DatabaseSchema.check($0) }
            try RegistrationStore.checkKey(storageKey, of: reader)
            database = try DatabaseQueue(path: path, configuration: options)
            try database.write { try DatabaseSchema.migrate($0) }
            // A command imports while the kiosk runs.
            try database.inDatabase { try $0.execute(sql: "PRAGMA busy_timeout = 2000") }
            let log = try DatabaseQueue(path: path, configuration: options)
            // It asks again instead of waiting: while it waited nobody else could write.
            try log.inDatabase { try $0.execute(sql: "PRAGMA busy_timeout = 0") }
            eraser = Eraser(log)
        } catch let error as RegistryError {
            throw error
        } catch {
            let code = (error as? DatabaseError)?.resultCode
            throw RegistryError(
                code == .SQLITE_NOTADB || code == .SQLITE_CORRUPT ? .damaged : .unavailable,
                status: code.map { Int($0.rawValue) })  // safe: 32 bits into 64
        }
        let outbox: Outbox
        do {
            outbox = try Outbox(database: database, storageKey: storageKey, erased: eraser.ask)
        } catch {
            throw RegistryError(.unavailable)
        }
        (self.outbox, self.now) = (outbox, now)
        let libraries = Set(libraries)
        registrations = try RegistrationStore(
            database: database, storageKey: storageKey
        ) { old, new, db in
            try outbox.remember(libraries, in: db)
            let former = try outbox.owedTo(in: db).subtracting(libraries)
            for owed in try OwedEvent.owed(
                from: old, to: new, libraries: libraries, former: former, platform: platform, at: now())
            {
                try outbox.add(owed, in: db)
            }
        } erased: { [eraser] in
            eraser.ask()
        }
        // What ended before its log was emptied left it as it was.
        eraser.ask()
    }

    /// Comes back when nothing of what was removed is in any file of the database.
    /// - Returns: false when another program read an older state for longer than ten seconds.
    package func erased() async -> Bool {
        // Whoever sees that a row is gone may be ahead of the one that removed it and has still to ask.
        eraser.ask()
        return await eraser.finished(within: .seconds(10))
    }

    /// Lets go of it, once nothing of what was removed is in any of its files.
    /// - Returns: as `erased`.
    @discardableResult
    package func close() async -> Bool {
        defer { registrations.close() }
        return await erased()
    }
}
