internal import Announcement
internal import Login
internal import Synchronization

/// What happened since the start, as numbers: nothing in it tells one patron from another.
package final class KioskLedger: Sendable {
    /// The parts of a tap.
    enum Stage: String, Sendable, CaseIterable {
        /// From the insertion seen to the end of the card's work.
        case card
        /// From the announcement to its answer.
        case announcement
        /// From the insertion seen to the outcome.
        case total
    }

    struct Counts: Sendable {
        var taps: [Outcome: Int] = [:]
        var stages: [Stage: Histogram] = [:]
        var acknowledgements: [String: Histogram] = [:]
        /// Seconds since 1970.
        var lastAcknowledged: [String: Int64] = [:]
    }
    private let state = Mutex(Counts())

    package init() {}

    var counts: Counts { state.withLock { $0 } }

    func tap(_ outcome: Outcome, total: Duration) {
        state.withLock {
            $0.taps[outcome, default: 0] += 1
            $0.stages[.total, default: Histogram()].add(total)
        }
    }

    func took(_ duration: Duration, _ stage: Stage) {
        state.withLock { $0.stages[stage, default: Histogram()].add(duration) }
    }

    /// A library acknowledged a token.
    func acknowledged(_ library: String, after duration: Duration, at now: Int64) {
        state.withLock {
            $0.acknowledgements[library, default: Histogram()].add(duration)
            $0.lastAcknowledged[library] = now
        }
    }
}
