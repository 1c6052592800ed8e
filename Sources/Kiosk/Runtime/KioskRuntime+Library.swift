internal import Announcement
internal import Clock
internal import Cryptography
internal import Glibc
internal import Logging
internal import Login
internal import MyNumberCard
internal import Panel
internal import Registry
internal import SecurityEvents
internal import Service
internal import Settings

// The libraries' part of the effects.

extension KioskRuntime {
    func seal(_ presence: Presence) {
        guard let held = evidence[presence], let active = held.active else { return }
        let (announcer, log, tapped) = (announcer, log, held.tapped?.secondsSince1970)
        let sealing = Task { () -> TapAnnouncement? in
            do {
                guard let tapped else { throw AnnouncementError.token(.noTime) }
                let sealed = try await announcer.seal(active, of: presence, tapped: tapped)
                for library in sealed.leftOut {
                    log.note(KioskNote.noToken, ["problem": "too_large", "library": "\(library)"])
                }
                return sealed
            } catch {
                log.note(KioskNote.noToken, at: .error, ["problem": "\(error)"])
                return nil
            }
        }
        evidence.keep(sealing, as: \.sealing, of: presence)
    }

    /// Takes back what was announced; the presence may be forgotten meanwhile.
    func withdraw(_ presence: Presence) {
        if let sealing = evidence[presence]?.sealing { tell(sealing) { $0.withdraw($1) } }
    }

    /// Tells who was told of an announcement something else, one after the other.
    func tell(
        _ sealing: Task<TapAnnouncement?, Never>, _ what: @escaping @Sendable (Announcer, TapAnnouncement) -> Void
    ) {
        lastTold = Task { [announcer, lastTold] in
            await lastTold?.value
            if let announcement = await sealing.value { what(announcer, announcement) }
        }
    }

    func announce(_ clearance: Clearance) {
        let presence = clearance.presence
        let (announcer, store, log, ledger) = (announcer, store, log, ledger)
        guard let sealing = evidence[presence]?.sealing, let proofs = evidence.proofs(of: presence) else {
            log.note(KioskNote.noToken, at: .error, ["problem": "proofs"])
            // As a fact of its own: the effects beside this one come first.
            return spawn(presence) { .announced(.refused) }
        }
        let deadline = ContinuousClock.now + Self.announcementLimit - .milliseconds(300)
        spawn(presence) {
            guard let sealed = await sealing.value else { return .announced(.refused) }
            guard let cleared = ClearedAnnouncement(sealed, clearance: clearance, proofs: proofs) else {
                log.note(KioskNote.noToken, at: .error, ["problem": "clearance"])
                return .announced(.refused)
            }
            let start = ContinuousClock.now
            let delivery = await announcer.deliver(cleared, deadline: deadline)
            ledger.took(start.duration(to: .now), .announcement)
            // Not on the patron's time.
            Task { await Self.rememberIssuer(of: proofs.card, proofs.registration, store) }
            switch delivery {
            case .acknowledged: return .announced(.acknowledged)
            case .unreachable: return .announced(.unreachable)
            case .refused(let error):
                let advice = error?.advice ?? PushError.rejected
                log.warning(
                    "a library refused",
                    metadata: Logger.words(
                        Refusal.libraryRefused.rawValue, advice,
                        [
                            "library": "\(sealed.refusing.joined(separator: ","))",
                            "err": "\(error?.rawValue ?? "none")",
                        ]))
                return .announced(.refused)
            }
        }
    }

    /// Tells the libraries that want to know. Without a trusted time it gets its date when there is one: nothing is sent
    /// before.
    /// - Returns: until it is owed; nil: nobody is told.
    @discardableResult
    func report(outage cause: Cause, at now: TrustedTime?) -> Task<Void, Never>? {
        owe(.outOfService(cause: cause.rawValue), to: configuration.libraries.filter(\.hearsOfOutages), at: now)
    }

    /// Tells every library that a card was left on the reader; not whose.
    @discardableResult
    func reportLeftCard(at now: TrustedTime?) -> Task<Void, Never>? {
        log.note(KioskNote.cardLeft, at: .notice)
        return owe(.cardLeft, to: configuration.libraries, at: now)
    }

    private func owe(_ event: KioskEvent, to libraries: [Library], at now: TrustedTime?) -> Task<Void, Never>? {
        guard rehearsal == nil else { return nil }
        let toe = now?.secondsSince1970
        let names = libraries.map(\.name)
        guard !names.isEmpty else { return nil }
        return Task { [outbox, courier, log] in
            do {
                for name in names {
                    try await outbox.add(OwedEvent(library: name, event: .kiosk(event), toe: toe))
                }
                courier.wake()
            } catch {
                log.note(OutboxTrouble.unavailable, at: .error)
                noteDatabase(RegistryError(.unavailable))
            }
        }
    }
}
