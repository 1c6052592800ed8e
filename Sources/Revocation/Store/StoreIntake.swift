internal import Certificates
package import Clock
internal import Synchronization

/// What a list says of itself, for an operator.
package struct ListSummary: Sendable, Equatable {
    package let issuer: String
    package let number: String
    /// As `RevocationList.pointTexts`.
    package let scope: [String]
    /// Seconds since 1970.
    package let thisUpdate, nextUpdate: Int64
}

/// Takes lists into a store, each on its own: verified at its end, its index written, and nothing else kept of it. The disk
/// is asked once for many of them. It is filled by one thread at a time.
package final class StoreIntake: Sendable {
    /// What became of one list of a source.
    package struct Outcome: Sendable {
        /// Which list of its source, from 1.
        package let position: Int
        /// Of a list that was refused, where its form is right.
        package let summary: ListSummary?
        package let result: Result<RevocationStore.Taken, RevocationError>

        /// Nil when it is in the store.
        package var failure: RevocationError? {
            if case .failure(let error) = result { error } else { nil }
        }
    }

    /// What became of a source's lists.
    package struct Report: Sendable {
        /// In their order.
        package fileprivate(set) var outcomes: [Outcome] = []
        /// How many more were refused than `outcomes` tells of.
        package fileprivate(set) var moreRefused = 0
        /// How many more are in the store.
        package fileprivate(set) var moreTaken = 0
        /// Lists so far, and of `outcomes` those that were refused.
        fileprivate var count = 0, refused = 0
        /// Of a transfer's lists: but for the last one, each was signed by an authority at hand.
        fileprivate var digests: Set<[UInt8]> = []

        package init() {}

        fileprivate mutating func add(_ outcome: Outcome) {
            // What the disk refused may be taken another time, so that is never left out; the source soon ends by it.
            let isRefused = outcome.failure.map { $0.code != .storeUnavailable }
            switch isRefused {
            case true? where refused >= ListLimits.refusalsTold: moreRefused += 1
            case nil where outcomes.count - refused >= ListLimits.takingsTold: moreTaken += 1
            default:
                outcomes.append(outcome)
                if isRefused == true { refused += 1 }
            }
        }
    }

    /// Lists that wait for the disk together. Each holds a descriptor, and a service has 256.
    package static let mostPending = 64

    private struct State {
        var sources: [Report] = []
        var pending: [(source: Int, position: Int, list: RevocationStore.Prepared)] = []
    }
    private let state = Mutex(State())
    private let store: RevocationStore
    private let authorities: ListAuthorities
    private let clock: @Sendable () -> TrustedTime?
    private let mostPending: Int
    private let stopsAtUnsigned: Bool

    /// - Parameters:
    ///   - clock: a believed clock's time; nil while none is believed.
    ///   - mostPending: lists that wait for the disk together.
    ///   - stopsAtUnsigned: the first list that is not in form, or that none of `authorities` signed, ends the source:
    ///     whoever sent that may send anything.
    package init(
        store: RevocationStore, authorities: ListAuthorities, clock: @escaping @Sendable () -> TrustedTime?,
        mostPending: Int = StoreIntake.mostPending, stopsAtUnsigned: Bool = false
    ) {
        (self.store, self.authorities, self.clock) = (store, authorities, clock)
        (self.mostPending, self.stopsAtUnsigned) = (max(1, mostPending), stopsAtUnsigned)
    }

    /// The next lists are another source's.
    package func begin() { state.withLock { $0.sources.append(Report()) } }

    /// The source begins anew: what became of its lists so far is not told again.
    package func restart() {
        commit()
        state.withLock {
            _ = $0.sources.popLast()
            $0.sources.append(Report())
        }
    }

    /// Takes the next list of the source.
    /// - Throws: `storeUnavailable`, and `crlUnusable` where no more of the source is to be read.
    package func take(_ list: Result<UnverifiedRevocationList, RevocationError>) throws(RevocationError) {
        let (source, position) = place()
        do throws(RevocationError) {
            let list = try list.get()
            // One genuine list, sent again and again, would keep us busy for as long as somebody likes.
            if stopsAtUnsigned, !isFirst(list.digest) {
                throw RevocationError(.crlUnusable, "the same list comes twice in one transfer")
            }
            switch try store.prepare(list, authorities: authorities, clock: clock()) {
            case .already(let taken):
                tell([(source, Outcome(position: position, summary: nil, result: .success(taken)))])
            case .ready(let prepared):
                let count = state.withLock { state in
                    state.pending.append((source, position, prepared))
                    return state.pending.count
                }
                if count >= mostPending { commit() }
            }
        } catch {
            guard error.code != .storeUnavailable else { throw error }
            tell([
                (source, Outcome(position: position, summary: (try? list.get())?.summary, result: .failure(error)))
            ])
            if stopsAtUnsigned, error.code == .crlUnusable { throw error }
        }
    }

    /// Whether the source brings it for the first time.
    private func isFirst(_ digest: [UInt8]) -> Bool {
        state.withLock { state in
            var source = state.sources.popLast() ?? Report()
            defer { state.sources.append(source) }
            return source.digests.insert(digest).inserted
        }
    }

    /// Of the next list: its source, and which of that source's it is, from 1.
    private func place() -> (source: Int, position: Int) {
        state.withLock { state in
            var source = state.sources.popLast() ?? Report()
            source.count += 1
            state.sources.append(source)
            return (state.sources.count - 1, source.count)
        }
    }

    private func tell(_ outcomes: [(source: Int, outcome: Outcome)]) {
        state.withLock { state in
            for (source, outcome) in outcomes where state.sources.indices.contains(source) {
                // safe: one of them
                state.sources[source].add(outcome)
            }
        }
    }

    /// Lets what waits take its place.
    package func commit() {
        let pending = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        guard !pending.isEmpty else { return }
        let results: [Result<RevocationStore.Taken, RevocationError>]
        do throws(RevocationError) {
            results = try store.commit(pending.map(\.list))
        } catch {
            results = pending.map { _ in .failure(error) }
        }
        tell(
            zip(pending, results).map { list, result in
                (list.source, Outcome(position: list.position, summary: nil, result: result))
            })
    }

    /// Commits what waits.
    /// - Returns: for each source since the last call, in their order, what became of its lists.
    package func finish() -> [Report] {
        commit()
        let sources = state.withLock { state in
            defer { state.sources = [] }
            return state.sources
        }
        return sources.map { source in
            var source = source
            // Those that waited came after others that did not.
            source.outcomes.sort { $0.position < $1.position }
            return source
        }
    }
}

extension StoreIntake.Report {
    /// Why no more of the source was read; nil where the last of its lists says so already.
    package func unsaid(_ failure: (any Error)?) -> (any Error)? {
        guard let error = failure as? RevocationError, error == outcomes.last?.failure else { return failure }
        return nil
    }
}
