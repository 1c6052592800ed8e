package import Clock
internal import Cryptography
package import Revocation

/// The lists that a kiosk serves at a moment.
package struct ServedLists: Sendable {
    package let lists: RevocationLists
    /// Those that one of the kiosk's anchors signed: what freshness and the time's floor are read from.
    package let signed: [RevocationList]

    package static let none = ServedLists([], anchors: [])

    /// - Parameter anchors: SubjectPublicKeyInfos.
    package init(_ lists: [RevocationList], anchors: [[UInt8]]) {
        self.lists = RevocationLists(lists)
        let keys = Set(anchors.map { sha256($0) })
        signed = lists.filter { keys.contains($0.issuerKey) }
    }

    /// The list that was issued last.
    package var newest: RevocationList? { signed.max { $0.thisUpdate < $1.thisUpdate } }

    /// Before what no time is believed.
    /// - Parameters:
    ///   - stored: the time stored last, seconds since 1970.
    ///   - limit: a list that lies ahead of it says nothing about time (`TrustedClock.issueLimit`).
    package func floor(stored: Int64?, maxAge: Int64, limit: TrustedTime?) -> TimeFloor {
        let newest = signed.filter { list in limit.map { !IssueTime.isAhead(list.thisUpdate, of: $0) } ?? true }
            .max { $0.thisUpdate < $1.thisUpdate }
        return TimeFloor(newest: newest.map { ($0.thisUpdate, $0.nextUpdate) }, stored: stored, maxAge: maxAge)
    }

    /// When complete lists run out, seconds since 1970; a delta alone says nothing.
    package func ends(maxAge: Int64) -> [Int64] {
        signed.filter { !$0.isDelta }.map { list in
            let (oldest, overflow) = list.thisUpdate.addingReportingOverflow(maxAge + 1)
            return min(list.nextUpdate, overflow ? .max : oldest)
        }
    }

    package func anyIsFresh(at time: TrustedTime, maxAge: Int64) -> Bool {
        signed.contains { !$0.isDelta && $0.isFresh(at: time, maxAge: maxAge) }
    }
}
