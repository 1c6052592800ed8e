internal import Dispatch
package import Testing

/// Tests that compute for seconds without a pause, or block, do so on threads of their own: Swift's pool has one thread a core, and
/// what shares it with them (servers, taps with a deadline) would run out of time without being slow.
package struct OwnThreads: SuiteTrait, TestScoping {
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Threads.shared, operation: function)
    }
}

extension Trait where Self == OwnThreads {
    package static var ownThreads: Self { OwnThreads() }
}

private final class Threads: TaskExecutor {
    static let shared = Threads()
    private let queue = DispatchQueue(label: "own threads", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
