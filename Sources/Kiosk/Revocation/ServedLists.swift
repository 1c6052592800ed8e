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

    /// Complete lists; a delta alone says nothing.
    var complete: [RevocationList] { signed.filter { !$0.isDelta } }

    func anyIsFresh(at time: TrustedTime, maxAge: Int64) -> Bool {
        signed.contains { !$0.isDelta && $0.isFresh(at: time, maxAge: maxAge) }
    }
}

/// What the log says of lists that run out, before they do: once, and again when it gets worse or a day has passed.
struct FreshnessWatch {
    /// How many complete lists have run out, and how many will within the notice.
    struct Notice: Equatable {
        let lists: Int
        let stale: Int
        let soon: Int
        /// Seconds until the next one runs out; nil when none will soon.
        let seconds: Int64?
    }
    private let maxAge: Int64
    private var told: (notice: Notice, at: Int64)?

    init(maxAge: Int64) { self.maxAge = maxAge }

    /// A quarter of what a list may be old, at most six hours.
    private var warning: Int64 { min(6 * 3_600, maxAge / 4) }

    /// - Parameter now: seconds since 1970.
    /// - Returns: what is to be said now.
    mutating func notice(_ lists: [RevocationList], at now: Int64) -> Notice? {
        let left = lists.map { list in
            min(list.nextUpdate, list.thisUpdate.addingReportingOverflow(maxAge + 1).partialValue) - now
        }
        let soon = left.filter { $0 > 0 && $0 <= warning }
        let notice = Notice(
            lists: lists.count, stale: left.count { $0 <= 0 }, soon: soon.count, seconds: soon.min())
        guard notice.stale > 0 || notice.soon > 0 else {
            told = nil
            return nil
        }
        if let told, notice.stale <= told.notice.stale, notice.soon <= told.notice.soon, now - told.at < 86_400 {
            return nil
        }
        told = (notice, now)
        return notice
    }
}
