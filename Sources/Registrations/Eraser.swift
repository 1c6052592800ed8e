internal import GRDB
internal import Synchronization

/// Brings what was removed out of the write-ahead log: SQLite overwrites it in the database (secure_delete), but the log
/// holds the row as it was until it is brought over and cut off. By a connection of its own: no tap waits for it.
final class Eraser: Sendable {
    private struct State {
        var isWorking = false
        var isAskedAgain = false
        /// The log could not be emptied, and nobody tries any more.
        var hasFailed = false
        var waiting: [AsyncStream<Bool>.Continuation] = []
    }
    private let database: any DatabaseWriter
    private let state = Mutex(State())
    /// Somebody reads an older state: for milliseconds, or for as long as a command lists everything.
    private static let pause = Duration.milliseconds(200)
    /// A disk that fails so often is told of by whoever has to read or write.
    private static let mostFailures = 10

    init(_ database: any DatabaseWriter) { self.database = database }

    /// Something was removed; returns at once.
    func ask() {
        let starts = state.withLock { state in
            if state.isWorking { state.isAskedAgain = true }
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if starts { Task { await work() } }
    }

    /// Comes back when nothing of what was removed before is in the log.
    /// - Returns: false when somebody read an older state for so long that this could not be waited for, or the disk failed.
    func finished(within limit: Duration) async -> Bool {
        let (answers, continuation) = AsyncStream<Bool>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let known: Bool? = state.withLock { state in
            guard state.isWorking else { return !state.hasFailed }
            state.waiting.append(continuation)
            return nil
        }
        if let known { return known }
        let timer = Task {
            if (try? await Task.sleep(for: limit)) != nil { continuation.yield(false) }
        }
        defer { timer.cancel() }
        for await answer in answers { return answer }
        return false
    }

    private func work() async {
        var failures = 0
        while true {
            let isEmpty = try? await empty()
            if isEmpty == nil { failures += 1 }
            if isEmpty != true, failures < Self.mostFailures {
                try? await Task.sleep(for: Self.pause)
                continue
            }
            let waiting: [AsyncStream<Bool>.Continuation]? = state.withLock { state in
                guard !state.isAskedAgain else {
                    state.isAskedAgain = false
                    return nil
                }
                defer { state.waiting = [] }
                (state.isWorking, state.hasFailed) = (false, isEmpty != true)
                return state.waiting
            }
            if let waiting { return waiting.forEach { $0.yield(isEmpty == true) } }
        }
    }

    /// False where somebody still reads it.
    private func empty() async throws -> Bool {
        try await database.writeWithoutTransaction { db in
            // SQLITE_BUSY as a row, not as an error (sqlite.org/pragma.html, wal_checkpoint).
            let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.flatMap { Int.fromDatabaseValue($0[0]) } == 0  // safe: the pragma answers three columns
        }
    }
}
