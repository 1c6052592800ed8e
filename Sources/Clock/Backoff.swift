/// Pauses that grow with each failure, to a limit, and are never the same for two who failed together.
package struct Backoff: Sendable {
    private let first, longest: Duration
    private let random: @Sendable (ClosedRange<Double>) -> Double
    package private(set) var failures = 0

    /// - Parameters:
    ///   - first: the pause after the first failure; each further one is twice as long.
    ///   - random: what a pause is multiplied by, from the range that it is given.
    package init(
        first: Duration, longest: Duration,
        random: @escaping @Sendable (ClosedRange<Double>) -> Double = { Double.random(in: $0) }
    ) {
        (self.first, self.longest, self.random) = (first, longest, random)
    }

    /// How long to wait after one more failure: half of the pause at the least.
    package mutating func failed() -> Duration {
        defer { failures &+= 1 }
        return min(first * (1 << min(failures, Self.mostDoublings)), longest) * random(0.5...1)
    }

    /// It went well: the next failure is the first.
    package mutating func succeeded() { failures = 0 }

    private static let mostDoublings = 20
}
