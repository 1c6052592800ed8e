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
        package let result: Result<RevocationStore.Taken, TrustError>

        /// Nil when it is in the store.
        package var failure: TrustError? {
            if case .failure(let error) = result { error } else { nil }
        }
    }

    /// Lists that wait for the disk together. Each holds a descriptor, and a service has 256.
    package static let mostPending = 64

    private struct Entry {
        var summary: ListSummary?
        /// Nil until it is committed.
        var result: Result<RevocationStore.Taken, TrustError>?
    }
    private struct State {
        var sources: [[Entry]] = []
        var refused = 0
        var pending: [(source: Int, entry: Int, list: RevocationStore.Prepared)] = []
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
    package func begin() {
        state.withLock {
            $0.sources.append([])
            $0.refused = 0
        }
    }

    /// The source begins anew: what became of its lists so far is not told again.
    package func restart() {
        commit()
        state.withLock {
            $0.sources.removeLast()
            $0.sources.append([])
            $0.refused = 0
        }
    }

    /// Takes the next list of the source.
    /// - Throws: `storeUnavailable`, and `crlUnusable` where no more of the source is to be read.
    package func take(_ list: Result<UnverifiedRevocationList, TrustError>) throws(TrustError) {
        do throws(TrustError) {
            switch try store.prepare(try list.get(), authorities: authorities, clock: clock()) {
            case .already(let taken): note(Entry(result: .success(taken)))
            case .ready(let prepared):
                let count = state.withLock { state in
                    let source = state.sources.count - 1
                    state.pending.append((source, state.sources.last?.count ?? 0, prepared))
                    return state.pending.count
                }
                note(Entry())
                if count >= mostPending { commit() }
            }
        } catch {
            guard error.code != .storeUnavailable else { throw error }
            note(Entry(summary: (try? list.get())?.summary, result: .failure(error)))
            if stopsAtUnsigned, error.code == .crlUnusable { throw error }
            let refused = state.withLock { state in
                state.refused += 1
                return state.refused
            }
            guard refused < Limits.refusals else {
                throw TrustError(
                    .crlUnusable, "\(refused) lists of it are refused, and no more of it is read: \(error.reason)")
            }
        }
    }

    private func note(_ entry: Entry) {
        state.withLock { state in
            var source = state.sources.popLast() ?? []
            source.append(entry)
            state.sources.append(source)
        }
    }

    /// Lets what waits take its place.
    package func commit() {
        let pending = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        guard !pending.isEmpty else { return }
        let results: [Result<RevocationStore.Taken, TrustError>]
        do throws(TrustError) {
            results = try store.commit(pending.map(\.list))
        } catch {
            results = pending.map { _ in .failure(error) }
        }
        state.withLock { state in
            for ((source, entry, _), result) in zip(pending, results) {
                // safe: where it was noted
                state.sources[source][entry].result = result
            }
        }
    }

    /// Commits what waits.
    /// - Returns: for each source since the last call, in their order, what became of its lists.
    package func finish() -> [[Outcome]] {
        commit()
        let sources = state.withLock { state in
            defer { state.sources = [] }
            return state.sources
        }
        return sources.map { entries in
            entries.enumerated().compactMap { position, entry in
                entry.result.map { Outcome(position: position + 1, summary: entry.summary, result: $0) }
            }
        }
    }
}

extension [StoreIntake.Outcome] {
    /// Why no more of a source was read; nil where the last of its lists says so already.
    package func unsaid(_ failure: (any Error)?) -> (any Error)? {
        guard let error = failure as? TrustError, error == last?.failure else { return failure }
        return nil
    }
}
