internal import Dispatch
internal import Synchronization

/// One thread of its own for an actor whose methods call into C and block there: they never sit on Swift's
/// cooperative pool. The thread ends when the executor is stopped and its jobs are done.
package final class ThreadExecutor: SerialExecutor, Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var stopped = false
    }
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// - Parameter name: shown by `ps -L`; its first 15 characters.
    package init(name: String) {
        let isStarted = startThread(name) { [self] in run() }
        // Without a thread the appliance cannot talk to any card; the service manager starts it again.
        precondition(isStarted, "no thread to be had")
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wake.signal()
    }

    package func stop() {
        state.withLock { $0.stopped = true }
        wake.signal()
    }

    private func run() {
        while true {
            wake.wait()
            let (job, stopped) = state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.stopped)
            }
            if let job {
                job.runSynchronously(on: asUnownedSerialExecutor())
            } else if stopped {
                return
            }
        }
    }
}
