internal import Announcement
internal import Clock
internal import Glibc
internal import ListKeeper
internal import Logging
internal import Login
internal import Panel
internal import Revocation
package import Service
internal import Settings
internal import SmartCard

// What the kiosk says of itself.

extension KioskRuntime {
    /// Comes back when every part that a tap needs took its turn: the runtime, its panel, the database. That is what the
    /// service manager's watchdog is fed for. Whether a reader or the network is there is none of its business: starting
    /// again brings neither.
    /// - Returns: false while it still starts: what hangs there is not fed for.
    package func pulse() async -> Bool {
        await panel.pulse()
        _ = try? await outbox.depth()
        return hasStarted
    }

    /// Long enough out of service for a reason that a new start may end: a service has a view of its own of the disk, made
    /// when it starts, in which a disk that was read-only then stays so.
    package var wantsAnotherStart: Bool {
        let isOfTheView = shownCause == .registry || shownCause == .storage && upkeep.isReadOnly
        return isOfTheView && stateSince.duration(to: .now) > .seconds(30)
    }

    package func status() async -> StatusReport {
        let owed = (try? await outbox.depth()) ?? [:]
        let now = trustedNow()?.secondsSince1970
        let counts = ledger.counts
        let names = Set(configuration.libraries.map(\.name))
        let ends = revocation.ends(maxAge: configuration.maxAge)
        return StatusReport(
            kiosk: configuration.kioskID, state: shownCause == nil ? "ready" : "out_of_service",
            cause: shownCause?.rawValue, code: shownCause?.shortCode.rawValue, since: seconds(since: stateSince),
            uptime: seconds(since: started),
            reader: .init(
                service: parts.hasService, reader: parts.hasReader, held: parts.isReaderHeld,
                name: parts.hasReader ? parts.readerName : nil,
                others: parts.otherReaders.map { .init(name: $0.name, card: $0.card) }),
            lists: .init(
                served: revocation.signed.count, entries: revocation.signed.reduce(0) { $0 + $1.index.count },
                age: now.flatMap { now in revocation.newest.map { now - $0.thisUpdate } },
                firstEnds: now.flatMap { now in ends.min().map { $0 - now } },
                lastEnds: now.flatMap { now in ends.max().map { $0 - now } }),
            libraries: configuration.libraries.map { library in
                .init(
                    name: library.name, acknowledged: counts.lastAcknowledged[library.name].map(seconds),
                    owed: owed[library.name] ?? 0)
            },
            unconfigured: owed.keys.filter { !names.contains($0) }.sorted().map { name in
                .init(name: name, acknowledged: nil, owed: owed[name] ?? 0)
            },
            panel: panel.conditions.map { .init(part: $0.part.rawValue, condition: $0.condition.code) },
            taps: Dictionary(counts.taps.map { ($0.key.code, $0.value) }) { $0 + $1 }, test: configuration.isTest,
            configuration: configuration.fingerprint)
    }

    /// The metrics' text.
    package func metrics() async -> String { MetricsPage.text(await status(), ledger.counts) }

    /// Writes the metrics until the task is cancelled.
    func writeMetrics(to path: String) async {
        let file = MetricsFile(path: path)
        var isFailing = false
        repeat {
            let written = await file.replace(with: await metrics())
            if !written, !isFailing { log.note(KioskNote.metricsNotWritten, ["file": "\(path)"]) }
            isFailing = !written
        } while (try? await Task.sleep(for: .seconds(15))) != nil
    }

    private func seconds(since instant: ContinuousClock.Instant) -> Int64 {
        instant.duration(to: .now).components.seconds
    }
}
