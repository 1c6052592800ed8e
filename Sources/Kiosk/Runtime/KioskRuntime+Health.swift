internal import Announcement
internal import Clock
internal import ListKeeper
internal import Logging
internal import Login
internal import Panel
internal import Registry
internal import Revocation
internal import Service
internal import Settings

// What the kiosk needs before it takes a card: lists, a clock, a disk, keys.

extension KioskRuntime {
    /// Reads the lists again, and the kiosk's and the libraries' keys (SIGHUP). Registrations need no such thing: each tap
    /// reads its own.
    package func reload() async {
        do throws(SigningKeyFile.Problem) {
            await announcer.renew(signingKey: try configuration.signingKeyFile.current())
        } catch {
            log.note(KioskNote.signingKeyUnreadable, at: .error, ["problem": "\(error.rawValue)"])
        }
        await keeper.reload()
    }

    func serve(_ lists: ServedLists) {
        revocation = lists
        clock.note(lists)
        log.info(
            "revocation lists",
            metadata: [
                "served": "\(lists.signed.count)", "entries": "\(lists.signed.reduce(0) { $0 + $1.index.count })",
            ])
        checkHealth()
    }

    /// The time that may decide about certificates; nil while there is none.
    func trustedNow() -> TrustedTime? { clock.now() }

    /// A disk that has not answered at so many looks takes nothing either: at the usual five seconds, for fifteen.
    private static let mostDiskLooks = 3

    /// Asks how the disk is, and goes on at once; one that was asked and has not answered is not asked again.
    func askDisk() {
        upkeep.diskLooks += 1
        guard upkeep.diskLooks == 1 else {
            if upkeep.diskLooks > Self.mostDiskLooks { parts.hasStorage = false }
            return
        }
        let failures = upkeep.databaseFailures
        Task {
            note(await disk.condition(hasFailed: !parts.hasRegistry), failures: failures)
            checkHealth()
        }
    }

    /// - Parameter failures: of the database, when the disk was asked: an answer says nothing of a later one.
    func note(_ condition: StateDisk.Condition, failures: Int) {
        upkeep.diskLooks = 0
        (parts.hasStorage, upkeep.isReadOnly) = (condition.isWritable, condition.isReadOnly)
        guard failures == upkeep.databaseFailures else { return }
        if parts.hasRegistry, !condition.hasDatabase {
            log.note(RegistryError(.unavailable), "the database does not answer")
        }
        parts.hasRegistry = condition.hasDatabase
    }

    /// The database failed while it was used: nobody is served from it until the disk was looked at again.
    func noteDatabase(_ error: RegistryError) {
        // One damaged row is one patron's.
        guard error.code == .unavailable || error.status != nil, error.code != .wrongKey else { return }
        parts.hasRegistry = false
        upkeep.databaseFailures += 1
        checkHealth()
    }

    /// Says once why no time is believed, where it is more than a time server that is awaited.
    private func noteClock(_ now: TrustedTime?) {
        if now == nil, let problem = clock.system.problem, upkeep.clockProblem != problem {
            upkeep.clockProblem = problem
            log.note(KioskNote.clockUnknown, at: .error, ["error": "\(SystemProblem(problem))"])
        }
        let isBehind = now == nil && clock.isBehind
        if isBehind, !upkeep.isClockBehind { log.note(KioskNote.clockBehind, at: .error) }
        upkeep.isClockBehind = isBehind
    }

    private func store(_ now: TrustedTime) {
        guard !upkeep.isStoringTime else { return }
        upkeep.isStoringTime = true
        Task {
            let isStored = await disk.store(now.secondsSince1970)
            upkeep.isStoringTime = false
            if isStored {
                clock.note(stored: now.secondsSince1970)
            } else {
                log.note(KioskNote.timeNotStored, ["folder": "\(configuration.state)"])
            }
        }
    }

    func checkHealth() {
        let now = trustedNow()
        parts.hasClock = now != nil
        noteClock(now)
        parts.hasFreshList = now.map { revocation.anyIsFresh(at: $0, maxAge: configuration.maxAge) } ?? false
        // Also one that turned out to run ahead is stored anew.
        if let now, clock.stored.map({ now.secondsSince1970 < $0 || now.secondsSince1970 >= $0 + 600 }) ?? true {
            store(now)
        }
        if clock.system.belief.wantsWriting { Task { [disk, clock] in await disk.remember(clock.system.belief) } }
        if let now {
            let ends = revocation.ends(maxAge: configuration.maxAge)
            if let notice = upkeep.freshness.notice(ends, at: now.secondsSince1970) { warn(notice) }
        }
        handle(.health(parts.cause))
        if let cause = upkeep.outage.lasting(parts.cause) { report(outage: cause, at: now) }
    }

    /// Before lists run out, and when they have.
    private func warn(_ notice: FreshnessWatch.Notice) {
        log.note(
            notice.stale > 0 ? ListNote.expired : ListNote.willExpire,
            [
                "lists": "\(notice.lists)", "stale": "\(notice.stale)", "soon": "\(notice.soon)",
                "minutes": "\(notice.seconds.map { "\($0 / 60)" } ?? "-")",
            ])
    }
}
