package import Clock
package import ListKeeper
package import Settings
internal import Synchronization

/// The one clock of a kiosk: whatever decides by time about a card, a library or what is owed, and whatever is dated, has it
/// from here. It knows the lists that are served and the time stored last, and is never earlier than they.
package final class KioskClock: Sendable {
    package let system: TrustedClock
    private let maxAge: Int64
    private let held: Mutex<Held>

    private struct Held {
        var lists: ServedLists
        /// Seconds since 1970.
        var stored: Int64?
    }

    /// - Parameters:
    ///   - lists: those that are served, where nobody notes them later.
    ///   - system: another clock than the machine's.
    package init(_ configuration: Configuration, lists: ServedLists = .none, system: TrustedClock? = nil) {
        self.system = system ?? TrustedClock(configuration)
        maxAge = configuration.maxAge
        held = Mutex(Held(lists: lists, stored: StoredTime(state: configuration.state).value))
    }

    /// The time stored last, seconds since 1970.
    package var stored: Int64? { held.withLock { $0.stored } }

    func note(stored: Int64) { held.withLock { $0.stored = stored } }

    func note(_ lists: ServedLists) { held.withLock { $0.lists = lists } }

    /// The time that may decide about certificates, and that what happens is dated with; nil while there is none.
    package func now() -> TrustedTime? {
        let (lists, stored) = held.withLock { ($0.lists, $0.stored) }
        // Without a list nothing says that a stored time was ever right, but a clock that lost its battery lies before it.
        guard !lists.signed.isEmpty else { return system.now(stored: stored) }
        return system.now(floor: floor(lists, stored))
    }

    /// What lists are held against that are to be imported.
    package func importLimit() -> TrustedTime? { system.importLimit(stored: stored) }

    /// Whether the system's clock, though its source is believed, is earlier than what is known.
    package var isBehind: Bool { system.believed() != nil && now() == nil }

    private func floor(_ lists: ServedLists, _ stored: Int64?) -> TimeFloor {
        lists.floor(stored: stored, maxAge: maxAge, limit: system.issueLimit(stored: stored))
    }
}
