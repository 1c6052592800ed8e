/// Lanes that are set aside, with how many of their calls have not come back: one that blocks keeps those behind it.
struct HeldLanes {
    private static let most = 2
    private var calls: [ObjectIdentifier: Int] = [:]

    var count: Int { calls.count }
    /// No other one may be set aside.
    var isFull: Bool { calls.count >= Self.most }

    /// One more call of this lane is left behind.
    /// - Returns: true when none was held before.
    mutating func setAside(_ lane: ObjectIdentifier) -> Bool {
        let isFirst = calls.isEmpty
        calls[lane, default: 0] += 1  // safe: a dictionary
        return isFirst
    }

    /// One of its calls came back after all.
    /// - Returns: true when it was the last one: the lane can be closed.
    mutating func takeBack(_ lane: ObjectIdentifier) -> Bool {
        guard let left = calls[lane], left > 1 else { return true }
        calls[lane] = left - 1
        return false
    }

    /// The lane is closed.
    /// - Returns: true when none is held any more.
    mutating func letGo(_ lane: ObjectIdentifier) -> Bool {
        calls[lane] = nil
        return calls.isEmpty
    }
}
