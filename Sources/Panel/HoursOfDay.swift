internal import Glibc

/// Hours of the local day, over and over.
package struct HoursOfDay: Hashable, Sendable {
    /// Minutes since midnight; `from` later than `to` spans midnight.
    package let from: Int
    package let to: Int

    /// - Parameter text: `20:00-08:30`; nil for anything else.
    package init?(_ text: String) {
        func minutes(_ text: Substring) -> Int? {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isASCII) }),
                let hour = Int(parts[0]), let minute = Int(parts[1]), (0..<24).contains(hour), (0..<60).contains(minute)
            else { return nil }
            return hour * 60 + minute
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let from = minutes(ends[0]), let to = minutes(ends[1]), from != to else { return nil }
        (self.from, self.to) = (from, to)
    }

    /// Both ends as four digits, hours and minutes.
    package var clock: (from: String, to: String) {
        func digits(_ minute: Int) -> String { String(String(10_000 + minute / 60 * 100 + minute % 60).dropFirst()) }
        return (digits(from), digits(to))
    }

    package func contains(minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }

    /// Whether it is such an hour now, by the system's clock and time zone.
    package var isNow: Bool {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return contains(minute: Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}
