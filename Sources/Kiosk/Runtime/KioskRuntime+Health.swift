internal import Announcement
internal import Logging
internal import Login
internal import Panel
internal import Trust

// What the kiosk needs before it takes a card: lists, a clock, a disk, keys.

extension KioskRuntime {
    /// Reads the lists again, and the kiosk's and the libraries' keys (SIGHUP). Registrations need no such thing: each tap
    /// reads its own.
    package func reload() async {
        do throws(SigningKeyFile.Problem) {
            await announcer.renew(signingKey: try configuration.signingKeyFile.current())
        } catch {
            log.note(.signingKeyUnreadable, at: .error, ["problem": "\(error.rawValue)"])
        }
        await keeper.reload()
    }

    func serve(_ lists: ServedLists) {
        revocation = lists
        log.info(
            "revocation lists",
            metadata: [
                "served": "\(lists.signed.count)", "entries": "\(lists.signed.reduce(0) { $0 + $1.index.count })",
            ])
        checkHealth()
    }

    /// The time that may decide about certificates; nil while there is none.
    func trustedNow() -> TrustedTime? {
        clock.now(floor: revocation.floor(stored: lastStored, maxAge: configuration.maxAge))
    }

    func checkHealth() {
        let now = trustedNow()
        parts.hasClock = now != nil
        parts.hasStorage = StateFolder.isWritable(configuration.state)
        parts.hasFreshList = now.map { revocation.anyIsFresh(at: $0, maxAge: configuration.maxAge) } ?? false
        // Also one that turned out to run ahead is stored anew.
        if let now, lastStored.map({ now.secondsSince1970 < $0 || now.secondsSince1970 >= $0 + 600 }) ?? true {
            if storedTime.store(now.secondsSince1970) {
                lastStored = now.secondsSince1970
            } else {
                log.note(.timeNotStored, ["folder": "\(configuration.state)"])
            }
        }
        if let now {
            let ends = revocation.ends(maxAge: configuration.maxAge)
            if let notice = freshness.notice(ends, at: now.secondsSince1970) { warn(notice) }
        }
        handle(.health(parts.cause))
        if let cause = outage.lasting(parts.cause) { report(outage: cause, at: now) }
    }

    /// Before lists run out, and when they have.
    private func warn(_ notice: FreshnessWatch.Notice) {
        log.note(
            notice.stale > 0 ? .listsRanOut : .listsWillRunOut,
            [
                "lists": "\(notice.lists)", "stale": "\(notice.stale)", "soon": "\(notice.soon)",
                "minutes": "\(notice.seconds.map { "\($0 / 60)" } ?? "-")",
            ])
    }
}
