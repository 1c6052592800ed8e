internal import Synchronization
internal import Threads

/// The addresses of hosts. Each question to the name service has a thread of its own, and a host one question at a time:
/// whoever waits can leave, the question can't be taken back. What was answered once is kept and used while a new
/// question is open, and when the name service is gone.
package final class HostResolver: Sendable {
    package typealias LookUp = @Sendable (_ host: String) -> [HostAddress]

    private struct Entry {
        var addresses: [HostAddress] = []
        var fresh: ContinuousClock.Instant?
        var isAsking = false
        var waiting: [UInt64: AsyncStream<[HostAddress]>.Continuation] = [:]
    }
    private struct State {
        var entries: [String: Entry] = [:]
        var next: UInt64 = 0
    }
    private let state = Mutex(State())
    private let life: Duration
    private let lookUp: LookUp

    /// What every channel asks.
    package static let shared = HostResolver()

    /// - Parameter life: how long an answer is not asked for again.
    package init(life: Duration = .seconds(60), lookUp: @escaping LookUp = HostAddress.lookUp) {
        (self.life, self.lookUp) = (life, lookUp)
    }

    /// What is known, at once; what is old, or unknown, is asked for meanwhile.
    @discardableResult
    package func known(_ host: String) -> [HostAddress] { enter(host, waiter: nil).addresses }

    /// What is known, else what the name service answers.
    /// - Returns: an empty list: the name service knows none; nil: it was silent until `limit`, or the task is cancelled.
    package func addresses(of host: String, until limit: ContinuousClock.Instant) async -> [HostAddress]? {
        let (answers, waiter) = AsyncStream.makeStream(of: [HostAddress].self, bufferingPolicy: .bufferingOldest(1))
        let (known, number) = enter(host, waiter: waiter)
        guard let number else { return known }
        let end = Task {
            if (try? await Task.sleep(until: limit, clock: .continuous)) != nil { waiter.finish() }
        }
        defer {
            end.cancel()
            state.withLock { _ = $0.entries[host]?.waiting.removeValue(forKey: number) }
        }
        for await answer in answers { return answer }
        return nil
    }

    /// - Returns: what is known, and where nothing is, the waiter's number.
    private func enter(_ host: String, waiter: AsyncStream<[HostAddress]>.Continuation?) -> (
        addresses: [HostAddress], waits: UInt64?
    ) {
        let (known, number, asks) = state.withLock { state in
            var entry = state.entries[host] ?? Entry()
            var number: UInt64?
            if entry.addresses.isEmpty, let waiter {
                state.next &+= 1
                number = state.next
                // safe: a dictionary
                entry.waiting[state.next] = waiter
            }
            let isFresh = entry.fresh.map { $0 > .now } ?? false
            let asks = !isFresh && !entry.isAsking
            if asks { entry.isAsking = true }
            state.entries[host] = entry
            return (entry.addresses, number, asks)
        }
        if asks, !startThread("names", { self.answer(host, self.lookUp(host)) }) { answer(host, []) }
        return (known, number)
    }

    private func answer(_ host: String, _ found: [HostAddress]) {
        let (waiting, addresses) = state.withLock { state in
            var entry = state.entries[host] ?? Entry()
            // A name service that fails for a while does not take away what it said.
            if !found.isEmpty { (entry.addresses, entry.fresh) = (found, .now + life) }
            entry.isAsking = false
            let waiting = Array(entry.waiting.values)
            entry.waiting = [:]
            state.entries[host] = entry
            return (waiting, entry.addresses)
        }
        for waiter in waiting { waiter.yield(addresses) }
    }
}
