internal import Cryptography
internal import Trust

/// The lists that a kiosk serves at a moment.
struct ServedLists: Sendable {
    let lists: RevocationLists
    /// Those that one of the kiosk's anchors signed: what freshness and the time's floor are read from.
    let signed: [RevocationList]

    static let none = ServedLists([], anchors: [])

    /// - Parameter anchors: SubjectPublicKeyInfos.
    init(_ lists: [RevocationList], anchors: [[UInt8]]) {
        self.lists = RevocationLists(lists)
        let keys = Set(anchors.map { sha256($0) })
        signed = lists.filter { keys.contains($0.issuerKey) }
    }

    /// The list that was issued last.
    var newest: RevocationList? { signed.max { $0.thisUpdate < $1.thisUpdate } }

    /// When complete lists run out, seconds since 1970; a delta alone says nothing.
    func ends(maxAge: Int64) -> [Int64] {
        signed.filter { !$0.isDelta }.map { list in
            let (oldest, overflow) = list.thisUpdate.addingReportingOverflow(maxAge + 1)
            return min(list.nextUpdate, overflow ? .max : oldest)
        }
    }

    func anyIsFresh(at time: TrustedTime, maxAge: Int64) -> Bool {
        signed.contains { !$0.isDelta && $0.isFresh(at: time, maxAge: maxAge) }
    }
}

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
