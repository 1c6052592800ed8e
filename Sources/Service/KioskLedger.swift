package import Login
internal import Synchronization

/// What happened since the start, as numbers: nothing in it tells one patron from another.
package final class KioskLedger: Sendable {
    /// The parts of a tap.
    package enum Stage: String, Sendable, CaseIterable {
        /// From the insertion seen to the end of the card's work.
        case card
        /// From the announcement to its answer.
        case announcement
        /// From the insertion seen to the outcome.
        case total
    }

    package struct Counts: Sendable {
        package var taps: [Outcome: Int] = [:]
        package var stages: [Stage: Histogram] = [:]
        package var acknowledgements: [String: Histogram] = [:]
        package var lastAcknowledged: [String: ContinuousClock.Instant] = [:]
    }
    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    package func tap(_ outcome: Outcome, total: Duration) {
        state.withLock {
            $0.taps[outcome, default: 0] += 1
            $0.stages[.total, default: Histogram()].add(total)
        }
    }

    package func took(_ duration: Duration, _ stage: Stage) {
        state.withLock { $0.stages[stage, default: Histogram()].add(duration) }
    }

    /// A library acknowledged a token.
    package func acknowledged(_ library: String, after duration: Duration) {
        state.withLock {
            $0.acknowledgements[library, default: Histogram()].add(duration)
            $0.lastAcknowledged[library] = .now
        }
    }
}
