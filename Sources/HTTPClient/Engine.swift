internal import CCurl
internal import Glibc
internal import Synchronization
internal import Threads

/// The thread that libcurl works on.
final class Engine: Sendable {
    private struct State {
        var added: [Transfer] = []
        var cancelled: [Transfer] = []
        var stopped = false
    }
    private let state = Mutex(State())
    private nonisolated(unsafe) let multi: OpaquePointer?
    private static let setUp: Void = {
        // libcurl would write each session's secrets to the file that this names, and has no option against it.
        unsetenv("SSLKEYLOGFILE")
        curl_global_init(Int(truncatingIfNeeded: CURL_GLOBAL_DEFAULT))
    }()

    init() {
        Self.setUp
        multi = curl_multi_init().map { OpaquePointer($0) }
    }

    private var handle: UnsafeMutableRawPointer? { multi.map { UnsafeMutableRawPointer($0) } }

    func start() {
        let isStarted = startThread("http") { self.run() }
        // safe: no input decides it
        precondition(isStarted, "no thread to be had")
    }

    func add(_ transfer: Transfer) { change { $0.added.append(transfer) } }
    func cancel(_ transfer: Transfer) {
        transfer.cancel()
        change { $0.cancelled.append(transfer) }
    }
    func stop() { change { $0.stopped = true } }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        curl_multi_wakeup(handle)
    }

    private func run() {
        var running: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (added, cancelled, stopped) = state.withLock { state in
                defer { (state.added, state.cancelled) = ([], []) }
                return (state.added, state.cancelled, state.stopped)
            }
            for transfer in added {
                guard !transfer.isCancelled, transfer.setLimits() else {
                    transfer.finish(.failure(transfer.isCancelled ? .cancelled : .timedOut))
                    continue
                }
                running[transfer.easy] = transfer
                curl_multi_add_handle(handle, transfer.easy)
            }
            // One that was cancelled before it was added is not in `running`: it never begins.
            for transfer in cancelled where running.removeValue(forKey: transfer.easy) != nil {
                curl_multi_remove_handle(handle, transfer.easy)
                transfer.finish(.failure(.cancelled))
            }
            if stopped { break }
            var count: Int32 = 0
            curl_multi_perform(handle, &count)
            var result = CURLE_OK
            while let easy = kz_next_finished(handle, &result) {
                curl_multi_remove_handle(handle, easy)
                running.removeValue(forKey: easy)?.finish(with: result)
            }
            curl_multi_poll(handle, nil, 0, 60_000, nil)
        }
        for transfer in running.values {
            curl_multi_remove_handle(handle, transfer.easy)
            transfer.finish(.failure(.cancelled))
        }
        curl_multi_cleanup(handle)
    }
}
