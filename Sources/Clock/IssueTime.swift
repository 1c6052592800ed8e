/// When a list may have been issued at the latest. A thisUpdate that lies ahead would be remembered, so that no list of
/// today could follow, and would make the floor of time run ahead with it.
package enum IssueTime {
    /// Seconds by which an authority's clock may run ahead of ours.
    package static let tolerance: Int64 = 5 * 60

    /// - Parameters:
    ///   - thisUpdate: of a list, seconds since 1970.
    ///   - clock: a believed clock's time.
    package static func isAhead(_ thisUpdate: Int64, of clock: TrustedTime) -> Bool {
        let (earliest, overflow) = thisUpdate.subtractingReportingOverflow(tolerance)
        return !overflow && earliest > clock.secondsSince1970
    }
}

extension TrustedClock {
    /// What a new list's thisUpdate is held against; nil while no clock is believed. A clock that only the configuration
    /// believes, and that is earlier than the time stored last, has lost its battery: it says nothing about lists of today.
    /// - Parameter stored: the time stored last, seconds since 1970; asked for where it counts, since it lies on the disk.
    package func importLimit(stored: @autoclosure () -> Int64?) -> TrustedTime? {
        believed().flatMap { clock in
            guard source == .system, let stored = stored() else { return clock }
            return IssueTime.isAhead(stored, of: clock) ? nil : clock
        }
    }

    /// The time where no list says anything: nil while no clock is believed, or where one that only the configuration
    /// believes lies before the time stored last. It never goes back behind that one.
    package func now(stored: Int64?) -> TrustedTime? {
        importLimit(stored: stored).map { source == .system ? Self.later($0, stored) : $0 }
    }

    /// What lists of the store are held against before they move the time; nil: nothing. What lies ahead of it was taken
    /// while no clock was believed, and may be wrong itself. A clock that only the configuration believes takes none that
    /// lies ahead: where there is one the clock went back. So it did where a time was stored since that list was issued.
    /// - Parameter stored: the time stored last, seconds since 1970.
    package func issueLimit(stored: Int64?) -> TrustedTime? {
        guard source == .synchronised else { return nil }
        return believed().map { Self.later($0, stored) }
    }

    private static func later(_ clock: TrustedTime, _ stored: Int64?) -> TrustedTime {
        max(clock, TrustedTime(asserted: stored ?? clock.secondsSince1970))
    }
}
