internal import Clock

/// Counts of durations up to given bounds.
package struct Histogram: Sendable {
    /// Seconds: around what a tap takes and may take.
    static let bounds: [Double] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5]

    /// One for each bound, and one above.
    private var counts = [Int](repeating: 0, count: bounds.count + 1)
    private(set) var sum = 0.0
    var count: Int { counts.reduce(0, +) }

    mutating func add(_ duration: Duration) {
        let seconds = duration.milliseconds / 1_000
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }

    /// How many were at most as long as each bound.
    var cumulative: [(bound: Double, count: Int)] {
        var total = 0
        return zip(Self.bounds, counts).map { bound, count in
            total += count
            return (bound, total)
        }
    }
}
