internal import CLinux
internal import Glibc

/// A time that may decide about certificates. Only a `TrustedClock`, or an operator who names one, makes it.
package struct TrustedTime: Hashable, Comparable, Sendable {
    package let secondsSince1970: Int64

    /// A time that an operator gave (`--at`), or a test.
    package init(asserted secondsSince1970: Int64) { self.secondsSince1970 = secondsSince1970 }

    package static func < (left: TrustedTime, right: TrustedTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }
}

/// What the time can never be earlier than: the newest list that verified, and the time stored last. One forged time
/// must not brick a kiosk: a stored time at which that list would be stale, by `maxAge` or by its nextUpdate, is none.
package struct TimeFloor: Hashable, Sendable {
    private let newest: List?
    private let stored: Int64?
    private let maxAge: Int64

    private struct List: Hashable { let thisUpdate, nextUpdate: Int64 }

    /// - Parameters:
    ///   - newest: thisUpdate and nextUpdate of the newest list that an anchor signed, seconds since 1970.
    ///   - maxAge: seconds.
    package init(newest: (thisUpdate: Int64, nextUpdate: Int64)?, stored: Int64?, maxAge: Int64) {
        self.newest = newest.map { List(thisUpdate: $0.thisUpdate, nextUpdate: $0.nextUpdate) }
        (self.stored, self.maxAge) = (stored, maxAge)
    }

    /// Nil without a list: nothing then says that a stored time was ever right.
    package var secondsSince1970: Int64? {
        guard let newest else { return nil }
        let (oldest, overflow) = newest.thisUpdate.addingReportingOverflow(max(0, maxAge))
        let limit = max(newest.thisUpdate, min(overflow ? .max : oldest, newest.nextUpdate - 1))
        return stored.flatMap { $0 <= limit ? max($0, newest.thisUpdate) : nil } ?? newest.thisUpdate
    }
}

/// What the kernel says of the system's clock.
package enum KernelClock: Hashable, Sendable {
    case synchronised
    case unsynchronised
    /// The call failed, with the system's number: no answer.
    case unknown(Int32)

    package static var now: KernelClock {
        switch kz_clock_is_synchronised() {
        case 1: .synchronised
        case 0: .unsynchronised
        default: .unknown(errno)
        }
    }
}

/// The system's clock, believed where its source says so. A clock that the kernel called synchronised once is believed for
/// the rest of the boot: the kernel takes its word back after some hours without a time server, and meanwhile the clock
/// goes wrong by less than lists are old.
package struct TrustedClock: Sendable {
    package enum Source: String, Sendable {
        /// The kernel says that the clock is synchronised.
        case synchronised
        /// The clock is right by itself: a real clock with a battery, a container, a test.
        case system
    }
    let source: Source
    private let system: @Sendable () -> Int64
    private let kernel: @Sendable () -> KernelClock
    package let belief: BootBelief

    /// - Parameter belief: what is known of this boot.
    package init(source: Source, belief: BootBelief) {
        self.init(source: source, belief: belief, system: systemTime, kernel: { .now })
    }

    /// - Parameter system: seconds since 1970 by the system's clock.
    package init(
        source: Source, belief: BootBelief = BootBelief(), system: @escaping @Sendable () -> Int64,
        kernel: @escaping @Sendable () -> KernelClock
    ) {
        (self.source, self.belief, self.system, self.kernel) = (source, belief, system, kernel)
    }

    /// Why the kernel could not be asked, as the system's number; nil when it answers, or is not asked.
    package var problem: Int32? {
        guard source == .synchronised, !belief.isHeld, case .unknown(let number) = kernel() else { return nil }
        return number
    }

    /// What the system's clock says, without any floor; nil while it is not to be believed.
    package func believed() -> TrustedTime? {
        if source == .synchronised, !belief.isHeld {
            guard kernel() == .synchronised else { return nil }
            belief.hold()
        }
        return TrustedTime(asserted: system())
    }

    /// Nil while the clock is not to be believed. One that lies before the floor by more than an authority's may run ahead
    /// has lost its battery, or was put back: by such a clock no list would ever grow old.
    package func now(floor: TimeFloor) -> TrustedTime? {
        believed().flatMap { clock in
            guard let least = floor.secondsSince1970 else { return clock }
            return IssueTime.isAhead(least, of: clock) ? nil : max(clock, TrustedTime(asserted: least))
        }
    }
}
