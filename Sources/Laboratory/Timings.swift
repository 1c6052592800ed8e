internal import Clock
internal import Foundation

/// Durations of one thing, many times, in milliseconds.
struct Timings: Sendable {
    private(set) var values: [Double] = []

    init(_ values: [Double] = []) { self.values = values }

    mutating func add(_ duration: Duration) { values.append(duration.milliseconds) }

    /// The value that a part of all, 0 to 1, does not exceed.
    func quantile(_ part: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, max(0, Int((Double(sorted.count) * part).rounded(.up)) - 1))]
    }

    /// Does it `count` times, each timed by itself.
    static func measure(_ count: Int, _ body: () throws -> Void) rethrows -> Timings {
        var timings = Timings()
        for _ in 0..<count {
            let start = ContinuousClock.now
            try body()
            timings.add(start.duration(to: .now))
        }
        return timings
    }

    /// One row of a bench's output.
    func emit(_ name: String) {
        let label = name.padding(toLength: 28, withPad: " ", startingAt: 0)
        let figures = [("p50", 0.5), ("p99", 0.99), ("max", 1.0)].map { name, part in
            name + String(format: "%9.3f", quantile(part))
        }
        Laboratory.emit("  \(label) ms  \(figures.joined(separator: "  "))")
    }
}

/// CPU seconds of this process, or of this thread (CLOCK_THREAD_CPUTIME_ID).
func cpuSeconds(_ clock: clockid_t = CLOCK_PROCESS_CPUTIME_ID) -> Double {
    var now = timespec()
    clock_gettime(clock, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
