internal import Files
internal import GRDB
internal import Threads

/// The disk under the state folder, on a thread of its own: one that takes its time, or never answers, keeps no tap waiting.
actor StateDisk {
    private nonisolated let executor = ThreadExecutor(name: "disk")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let state: String
    private let time: StoredTime

    init(state: String) {
        self.state = state
        time = StoredTime(state: state)
    }

    deinit { executor.stop() }

    struct Condition: Sendable {
        /// It takes what must outlive a start.
        let isWritable: Bool
        /// The database can be opened and read.
        let hasDatabase: Bool
    }

    /// How the disk is now; it is asked, not a cache.
    func condition() -> Condition {
        Condition(isWritable: StateFolder.isWritable(state), hasDatabase: Self.answers(KioskDatabase.path(in: state)))
    }

    /// False when it could not be stored.
    func store(_ seconds: Int64) -> Bool { time.store(seconds) }

    /// By a connection of its own: what the kiosk's remembers of pages says nothing of the disk.
    private static func answers(_ path: String) -> Bool {
        var options = GRDB.Configuration()
        options.readonly = true
        options.busyMode = .timeout(2)
        do {
            let database = try DatabaseQueue(path: path, configuration: options)
            try database.read { db in
                _ = try Row.fetchOne(db, sql: "SELECT id FROM registration LIMIT 1")
                _ = try Row.fetchOne(db, sql: "SELECT sequence FROM owed LIMIT 1")
            }
            try database.close()
            return true
        } catch {
            return (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
        }
    }
}

/// The time stored every ten minutes: a board without a battery clock never starts earlier than it stopped.
struct StoredTime {
    private let path: String

    init(state: String) { path = state + "/time" }

    /// Seconds since 1970; nil when there is none, or it is no number.
    var value: Int64? {
        readFile(path).flatMap { Int64(String(decoding: $0, as: UTF8.self).prefix { $0.isNumber }) }
    }

    /// False when it could not be stored. The disk's thread alone may wait for that.
    fileprivate func store(_ seconds: Int64) -> Bool {
        (try? DurableFile.replace(path, with: Array("\(seconds)\n".utf8))) != nil
    }
}
