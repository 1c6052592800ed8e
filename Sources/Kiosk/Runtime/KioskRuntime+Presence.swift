internal import Announcement
internal import Clock
internal import Cryptography
internal import Glibc
internal import Logging
internal import Login
internal import Service
internal import Settings

// A presence's course: it begins, has its limits, is reported once, and is forgotten.

extension KioskRuntime {
    func startDeadline(_ presence: Presence, _ limit: Limit) {
        let duration =
            switch limit {
            case .card: Self.cardLimit
            case .announcement: Self.announcementLimit
            case .reminder: reminderAfter
            case .leftCard: leftCardAfter
            }
        let deadline = Task {
            guard (try? await Task.sleep(for: duration)) != nil else { return }
            take(.passed(limit), of: presence)
        }
        switch limit {
        case .card, .announcement:
            evidence.add(deadline, to: \.deadlines, of: presence)
        // After the outcome, also of a presence that nothing is held of.
        case .reminder, .leftCard: reminders[presence, default: []].append(deadline)
        }
    }

    func begin(_ presence: Presence) {
        guard let insertion = insertions[presence] else { return }
        let session = CardSession(source: source, reader: insertion.reader, deadline: .now + Self.cardLimit)
        evidence.begin(presence, session: session, tapped: trustedNow())
        visit?.expect(presence)
    }

    func releaseCard(_ presence: Presence) {
        guard let held = evidence[presence] else { return }
        if !held.isReleased, let insertion = insertions[presence] {
            evidence.keep(true, as: \.isReleased, of: presence)
            ledger.took(insertion.at.duration(to: .now), .card)
        }
        // The session alone, as in `report`.
        let session = held.session
        Task { await session.release() }
    }

    func report(_ presence: Presence, _ outcome: Outcome) {
        rehearsal?(.outcome(outcome))
        let insertion = insertions.removeValue(forKey: presence)
        // Cards that waited and left before their turn have no report.
        insertions = insertions.filter { $0.key.number > presence.number }
        let whole = insertion.map { $0.at.duration(to: .now) } ?? .zero
        let total = whole.milliseconds
        ledger.tap(outcome, total: whole)
        if outcome == .welcomed { beginVisit(presence) } else { giveUpVisit(presence) }
        evidence[presence]?.deadlines.forEach { $0.cancel() }
        // The session alone: while a task has a copy of the evidence, what was read cannot be wiped.
        let (session, output, log) = (evidence[presence]?.session, output, log)
        Task {
            let cost = await session?.cost
            let cardTime = cost?.cardTime.milliseconds ?? 0
            output.tap(outcome, milliseconds: total, cardMilliseconds: cardTime, exchanges: cost?.exchanges ?? 0)
            log.info(
                "tap",
                metadata: [
                    "code": "\(outcome.code)", "ms": "\(rounded(total))", "card_ms": "\(rounded(cardTime))",
                    "apdus": "\(cost?.exchanges ?? 0)",
                ])
        }
        // What the next tap needs that does not depend on its patron.
        Task { [announcer] in await announcer.prepare() }
    }

    /// The kiosk ends, perhaps in the middle of a tap: no card stays powered with a verified birth date, and no library goes on
    /// believing in a presence. A library that does not answer is not waited for.
    func windDown() async {
        for presence in evidence.presences {
            await evidence[presence]?.session.release()
            if visit?.presence != presence { withdraw(presence) }
            forget(presence)
        }
        endVisit()
        await lastTold?.value
        await announcer.settle(within: .seconds(2))
    }

    func forget(_ presence: Presence) {
        reminders.removeValue(forKey: presence)?.forEach { $0.cancel() }
        evidence.forget(presence)
    }
}
