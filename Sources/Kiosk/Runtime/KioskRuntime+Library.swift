internal import Files
internal import Announcement
internal import Clock
internal import Cryptography
internal import Glibc
internal import Logging
internal import Login
internal import MyNumberCard
internal import Panel
internal import Registry
internal import Service
internal import Settings

// The registry's and the libraries' part of the effects.

extension KioskRuntime {
    func lookUp(_ presence: Presence) {
        guard let certificate = evidence[presence]?.certificate else { return }
        guard !isTooSoon(certificate) else { return take(.lookedUp(.tooSoon), of: presence) }
        let (store, pinsAtFirstProof, log) = (store, configuration.pinsAtFirstProof, log)
        spawn(presence) {
            do throws(RegistryError) {
                switch try await store.lookUp(certificate: certificate) {
                case .unknown: return .lookedUp(.unknown)
                case .suspended: return .lookedUp(.suspended)
                case .active(let active):
                    let isPinned = active.registration.cardKey != nil
                    guard isPinned || pinsAtFirstProof else { return .lookedUp(.keyMissing) }
                    await self.keep(active, of: presence)
                    return .lookedUp(isPinned ? .activePinned : .activeUnpinned)
                }
            } catch {
                log.note(error, "the registry can not be read")
                await self.noteDatabase(error)
                return .registryFailed
            }
        }
    }

    private func keep(_ active: ActiveRegistration, of presence: Presence) { evidence[presence]?.active = active }

    func pinCardKey(_ presence: Presence) {
        guard let held = evidence[presence], let active = held.active, let proof = held.proof else { return }
        let (store, log) = (store, log)
        spawn(presence) {
            do throws(RegistryError) {
                return .cardKeyPinned(
                    try await store.pin(
                        cardKey: proof.cardKey.publicKeyInfo, recordIssuer: proof.issuer.bytes, for: active.id))
            } catch {
                log.note(error, "the card key could not be pinned")
                await self.noteDatabase(error)
                return .registryFailed
            }
        }
    }

    func suspend(_ presence: Presence) {
        guard let active = evidence[presence]?.active else { return }
        Task { [store, log] in
            do throws(RegistryError) {
                try await store.suspend(active.id)
                log.notice("registration suspended", metadata: ["code": "birth_date_refused"])
                courier.wake()
            } catch {
                log.note(error, "the registration could not be suspended")
                noteDatabase(error)
            }
        }
    }

    /// Makes the token while the card still works; it is dropped, overwritten, unless the proof verifies.
    func sealToken(_ presence: Presence) {
        guard let held = evidence[presence], let registration = held.active?.registration else { return }
        let statements = registration.ppids.map { library, ppid in
            Statement(library: library, ppid: ppid, serviceID: registration.serviceIDs[library])
        }
        let (announcer, log, tapped) = (announcer, log, held.tapped)
        evidence[presence]?.sealing = Task {
            do {
                return try await announcer.seal(statements, tapped: tapped)
            } catch {
                log.note(.noToken, at: .error, ["problem": "\(error)"])
                return nil
            }
        }
    }

    func withdraw(_ presence: Presence) { followUp(presence) { $0.withdraw($1) } }
    func endPresence(_ presence: Presence) { followUp(presence) { $0.endPresence($1) } }

    /// What libraries are told of an announcement after it; the presence may be forgotten meanwhile.
    private func followUp(_ presence: Presence, _ tell: @escaping @Sendable (Announcer, TapAnnouncement) -> Void) {
        guard let sealing = evidence[presence]?.sealing else { return }
        Task { [announcer] in
            if let announcement = await sealing.value { tell(announcer, announcement) }
        }
    }

    func announce(_ clearance: Clearance) {
        let presence = clearance.presence
        guard let held = evidence[presence], let sealing = held.sealing, let validated = held.validated,
            let revocation = held.revocation, let registration = held.active, let proof = held.proof
        else { return take(.announced(.refused), of: presence) }
        let (announcer, store, log, ledger) = (announcer, store, log, ledger)
        let deadline = ContinuousClock.now + Self.announcementLimit - .milliseconds(300)
        spawn(presence) {
            guard let sealed = await sealing.value else { return .announced(.refused) }
            let cleared = ClearedAnnouncement(
                sealed, clearance: clearance, validated: validated, revocation: revocation, registration: registration,
                proof: proof)
            let start = ContinuousClock.now
            let delivery = await announcer.deliver(cleared.sealed, deadline: deadline)
            ledger.took(start.duration(to: .now), .announcement)
            // Not on the patron's time.
            Task { await Self.rememberIssuer(of: proof, registration, store) }
            switch delivery {
            case .acknowledged: return .announced(.acknowledged)
            case .unreachable: return .announced(.unreachable)
            case .refused(let error):
                log.warning(
                    "a library refused",
                    metadata: Logger.words(
                        Refusal.libraryRefused.rawValue, .libraryRefuses, ["err": "\(error?.rawValue ?? "none")"]))
                return .announced(.refused)
            }
        }
    }

    /// Tells the libraries that want to know. Without a trusted time the newest that is known stands for it: nothing is
    /// sent before there is one.
    func report(outage cause: Cause, at now: TrustedTime?) {
        owe(.outOfService(cause: cause.rawValue), to: configuration.libraries.filter(\.hearsOfOutages), at: now)
    }

    /// Tells every library that a card was left on the reader; not whose.
    func reportLeftCard(at now: TrustedTime?) {
        log.note(.cardLeft, at: .notice)
        owe(.cardLeft, to: configuration.libraries, at: now)
    }

    private func owe(_ event: KioskEvent, to libraries: [Library], at now: TrustedTime?) {
        let toe = now?.secondsSince1970 ?? max(lastStored ?? 0, Int64(time(nil)))
        let names = libraries.map(\.name)
        guard !names.isEmpty else { return }
        Task { [outbox, courier, log] in
            do {
                for name in names {
                    try await outbox.add(OwedEvent(library: name, event: .kiosk(event), toe: toe))
                }
                courier.wake()
            } catch {
                log.note(.unavailable)
                noteDatabase(RegistryError(.unavailable))
            }
        }
    }

    /// A pin that came with the record does not say who signs the card's age record: the first proof does.
    private nonisolated static func rememberIssuer(
        of proof: CardProof, _ active: ActiveRegistration, _ store: RegistrationStore
    ) async {
        guard active.registration.cardKey != nil, active.registration.recordIssuer != proof.issuer.bytes else { return }
        _ = try? await store.pin(
            cardKey: proof.cardKey.publicKeyInfo, recordIssuer: proof.issuer.bytes, for: active.id)
    }
}
