package import Cryptography
internal import FoundationEssentials
internal import GRDB
internal import Glibc
package import Registry

/// Opens the one database and hands it to the rooms that have tables in it.
package enum KioskDatabase {
    /// The registrations under `state`; the folder and the file are made when they are not there.
    package static func registrations(state: String, storageKey: SecretBytes) throws(RegistryError) -> RegistrationStore
    {
        // What is inside is sealed; that it is there at all is nobody else's business either.
        if mkdir(state, 0o700) != 0, errno != EEXIST { throw RegistryError(.unavailable) }
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        // A command imports while the kiosk runs.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            // What is owed and what is pinned must survive a pulled plug; what was removed must be gone.
            try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
        }
        let path = state + "/kazashi.sqlite"
        let database: DatabaseQueue
        do {
            if access(path, F_OK) == 0 {
                var readOnly = GRDB.Configuration()
                readOnly.readonly = true
                try RegistrationStore.checkKey(storageKey, of: DatabaseQueue(path: path, configuration: readOnly))
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as RegistryError {
            throw error
        } catch {
            let code = (error as? DatabaseError)?.resultCode
            throw RegistryError(
                code == .SQLITE_NOTADB || code == .SQLITE_CORRUPT ? .damaged : .unavailable,
                status: code.map { Int($0.rawValue) })
        }
        chmod(path, 0o600)
        return try RegistrationStore(database: database, storageKey: storageKey)
    }
}
