internal import CLinux
internal import Dispatch
internal import Glibc
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
    private let name: String

    /// - Parameter name: shown by `ps -L`; its first 15 characters.
    package init(name: String) {
        self.name = name
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let executor = Unmanaged<ThreadExecutor>.fromOpaque(raw).takeRetainedValue()
                kz_name_this_thread(String(executor.name.prefix(15)))
                executor.run()
                return nil
            }, me.toOpaque())
        // Without a thread the appliance cannot talk to any card; the service manager starts it again.
        precondition(status == 0, "no thread to be had")
        pthread_detach(thread)
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
