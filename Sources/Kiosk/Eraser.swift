internal import GRDB
internal import Synchronization

/// Brings what was removed out of the write-ahead log: SQLite overwrites it in the database (secure_delete), but the log
/// holds the row as it was until it is brought over and cut off. By a connection of its own: no tap waits for it.
final class Eraser: Sendable {
    private struct State {
        var isWorking = false
        var isAskedAgain = false
        var waiting: [AsyncStream<Bool>.Continuation] = []
    }
    private let database: any DatabaseWriter
    private let state = Mutex(State())
    /// Somebody reads an older state: for milliseconds, or for as long as a command lists everything.
    private static let pause = Duration.milliseconds(200)

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
    /// - Returns: false when somebody read an older state for so long that this could not be waited for.
    func finished(within limit: Duration) async -> Bool {
        let (answers, continuation) = AsyncStream<Bool>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let isIdle = state.withLock { state in
            if state.isWorking { state.waiting.append(continuation) }
            return !state.isWorking
        }
        if isIdle { return true }
        let timer = Task {
            if (try? await Task.sleep(for: limit)) != nil { continuation.yield(false) }
        }
        defer { timer.cancel() }
        for await answer in answers { return answer }
        return false
    }

    private func work() async {
        while true {
            // A disk that fails is told of by whoever has to read or write.
            if (try? await empty()) == false {
                try? await Task.sleep(for: Self.pause)
                continue
            }
            let waiting: [AsyncStream<Bool>.Continuation]? = state.withLock { state in
                guard !state.isAskedAgain else {
                    state.isAskedAgain = false
                    return nil
                }
                defer { state.waiting = [] }
                state.isWorking = false
                return state.waiting
            }
            if let waiting { return waiting.forEach { $0.yield(true) } }
        }
    }

    /// False where somebody still reads it.
    private func empty() async throws -> Bool {
        try await database.writeWithoutTransaction { db in
            // SQLITE_BUSY as a row, not as an error (sqlite.org/pragma.html, wal_checkpoint).
            let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.flatMap { Int.fromDatabaseValue($0[0]) } == 0
        }
    }
}
