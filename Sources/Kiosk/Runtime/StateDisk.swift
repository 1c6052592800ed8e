internal import Clock
internal import Files
internal import GRDB
internal import Registrations
internal import Settings
internal import Threads

/// The disk under the state folder, on a thread of its own: one that takes its time, or never answers, keeps no tap waiting.
package actor StateDisk {
    private nonisolated let executor = ThreadExecutor(name: "disk")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let state: String
    private let write: @Sendable (_ path: String, _ bytes: [UInt8]) -> Bool

    /// - Parameter write: a file's replacement, durable; false: it could not be.
    package init(
        state: String,
        write: @escaping @Sendable (_ path: String, _ bytes: [UInt8]) -> Bool = {
            (try? DurableFile.replace($0, with: $1)) != nil
        }
    ) {
        (self.state, self.write) = (state, write)
    }

    deinit { executor.stop() }

    package struct Condition: Sendable {
        /// It takes what must outlive a start.
        let isWritable: Bool
        let isReadOnly: Bool
        /// The database can be opened and read; after it failed, written too.
        package let hasDatabase: Bool
    }

    /// How the disk is now; it is asked, not a cache.
    /// - Parameter hasFailed: the database failed while it was used: reading it is not enough to be believed again.
    package func condition(hasFailed: Bool) -> Condition {
        Condition(
            isWritable: StateFolder.isWritable(state), isReadOnly: StateFolder.isReadOnly(state),
            hasDatabase: Self.answers(KioskDatabase.path(in: state), writes: hasFailed))
    }

    /// The time, every ten minutes.
    /// - Returns: false when it could not be stored.
    func store(_ seconds: Int64) -> Bool { write(StoredTime.path(in: state), Array("\(seconds)\n".utf8)) }

    /// That the clock is believed in this boot.
    func remember(_ belief: BootBelief) { belief.write() }

    /// By connections of their own: what the kiosk's remembers of pages says nothing of the disk. One that may write would
    /// make a file that is gone anew, empty: it is opened only where one that reads has found the database there.
    private static func answers(_ path: String, writes: Bool) -> Bool {
        do {
            try connected(path, readOnly: true) { database in
                try database.read { db in
                    _ = try Row.fetchOne(db, sql: "SELECT id FROM registration LIMIT 1")
                    _ = try Row.fetchOne(db, sql: "SELECT sequence FROM owed LIMIT 1")
                }
            }
            guard writes else { return true }
            try connected(path, readOnly: false) { database in
                try database.write { try DatabaseSchema.touch($0) }
            }
            return true
        } catch {
            return (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
        }
    }

    private static func connected(_ path: String, readOnly: Bool, _ body: (DatabaseQueue) throws -> Void) throws {
        var options = GRDB.Configuration()
        options.readonly = readOnly
        options.busyMode = .timeout(2)
        let database = try DatabaseQueue(path: path, configuration: options)
        try body(database)
        try database.close()
    }
}
