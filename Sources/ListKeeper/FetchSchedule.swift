internal import Clock

/// When a list is fetched again: hourly while all is well, with growing pauses while it is not, never all kiosks at once.
package struct FetchSchedule {
    package enum Outcome {
        case done
        /// - Parameter retryAfter: seconds that the server asked for.
        case failed(retryAfter: Int?)
    }
    static let interval: Double = 3_600
    /// A server may ask for a longer pause, but not for for ever.
    static let longestAsked: Double = 6 * 3_600

    private var backoff: Backoff
    private let random: @Sendable (ClosedRange<Double>) -> Double

    package init(random: @escaping @Sendable (ClosedRange<Double>) -> Double = { Double.random(in: $0) }) {
        self.random = random
        backoff = Backoff(first: .seconds(60), longest: .seconds(Self.interval), random: random)
    }

    /// Seconds to wait before the first fetch: at once where nothing is served.
    package func first(isServing: Bool) -> Double { isServing ? random(0...60) : 0 }

    /// Seconds to wait after a fetch.
    package mutating func pause(after outcome: Outcome) -> Double {
        switch outcome {
        case .done:
            backoff.succeeded()
            return Self.interval * random(0.9...1.1)
        case .failed(let asked):
            return max(backoff.failed().milliseconds / 1_000, min(Double(max(0, asked ?? 0)), Self.longestAsked))
        }
    }
}
