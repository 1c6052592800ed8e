/// What the log says of lists that run out, before they do: once, when the first has, and again each hour in
/// which it gets worse, or each day.
package struct FreshnessWatch {
    /// How many complete lists have run out, and how many will within the notice.
    package struct Notice: Equatable {
        package let lists: Int
        package let stale: Int
        package let soon: Int
        /// Seconds until the next one runs out; nil when none will soon.
        package let seconds: Int64?

        package init(lists: Int, stale: Int, soon: Int, seconds: Int64?) {
            (self.lists, self.stale, self.soon, self.seconds) = (lists, stale, soon, seconds)
        }
    }
    private let maxAge: Int64
    private var told: (notice: Notice, at: Int64)?

    package init(maxAge: Int64) { self.maxAge = maxAge }

    /// A quarter of what a list may be old, at most six hours.
    private var warning: Int64 { min(6 * 3_600, maxAge / 4) }

    /// - Parameters:
    ///   - ends: when each list runs out, seconds since 1970.
    ///   - now: seconds since 1970.
    /// - Returns: what is to be said now.
    package mutating func notice(_ ends: [Int64], at now: Int64) -> Notice? {
        let left = ends.map { $0 - now }
        let soon = left.filter { $0 > 0 && $0 <= warning }
        let notice = Notice(
            lists: ends.count, stale: left.count { $0 <= 0 }, soon: soon.count, seconds: soon.min())
        guard notice.stale > 0 || notice.soon > 0 else {
            told = nil
            return nil
        }
        if let told {
            let isFirstStale = notice.stale > 0 && told.notice.stale == 0
            let isWorse = notice.stale > told.notice.stale || notice.soon > told.notice.soon
            guard isFirstStale || (isWorse && now - told.at >= 3_600) || now - told.at >= 86_400 else { return nil }
        }
        told = (notice, now)
        return notice
    }
}
