internal import Announcement
internal import Cryptography
internal import Logging
internal import Login
internal import MyNumberCard
internal import Registry
internal import Service
internal import Settings

// The registrations' part of the effects.

extension KioskRuntime {
    func lookUp(_ presence: Presence) {
        guard let read = evidence[presence]?.certificate else { return }
        let isOfVisit = isOfVisit(read)
        let (store, pinsAtFirstProof, log) = (store, configuration.pinsAtFirstProof, log)
        let noted = lastNoted
        spawn(presence) {
            // What the last card did to its registration counts for this one.
            await noted?.value
            var certificate = read.withBytes { Array($0) }
            defer { wipe(&certificate) }
            do throws(RegistryError) {
                switch try await store.lookUp(certificate: certificate) {
                case .unknown: return .lookedUp(.unknown)
                case .suspended: return .lookedUp(.suspended)
                case .active(let active):
                    let isPinned = active.registration.cardKey != nil
                    guard isPinned || pinsAtFirstProof else { return .lookedUp(.keyMissing) }
                    guard isPinned || !active.registration.isBirthDateSpent else { return .lookedUp(.birthDateSpent) }
                    await self.keep(active, of: presence)
                    if isPinned, isOfVisit { return .lookedUp(.sameVisit) }
                    return .lookedUp(isPinned ? .activePinned : .activeUnpinned)
                }
            } catch {
                log.note(error, "the registration database cannot be read")
                await self.noteDatabase(error)
                return .registryFailed
            }
        }
    }

    func keep(_ active: ActiveRegistration, of presence: Presence) {
        evidence.keep(active, as: \.active, of: presence)
    }

    func pinCardKey(_ presence: Presence) {
        guard let held = evidence[presence], let active = held.active, let proof = held.proof else { return }
        let (store, log) = (store, log)
        spawn(presence) {
            do throws(RegistryError) {
                return .cardKeyPinned(
                    try await store.pin(
                        cardKey: proof.cardKey.publicKeyInfo, recordIssuer: proof.issuer.bytes, for: active))
            } catch {
                log.note(error, "the card key could not be pinned")
                await self.noteDatabase(error)
                return .registryFailed
            }
        }
    }

    func suspend(_ presence: Presence) {
        guard let active = evidence[presence]?.active else { return }
        lastNoted = Task { [store, log] in
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

    /// It was counted before it was tried.
    func noteRefusal(_ presence: Presence) {
        guard let active = evidence[presence]?.active else { return }
        let isSpent = active.registration.isBirthDateSpent
        log.note(KioskNote.birthDateRejected, at: .notice, ["tried_again": "\(!isSpent)"])
    }

    /// A pin that came with the record does not say who signs the card's age record: the first proof does.
    nonisolated static func rememberIssuer(
        of proof: CardProof, _ active: ActiveRegistration, _ store: RegistrationStore
    ) async {
        guard active.registration.cardKey != nil, active.registration.recordIssuer != proof.issuer.bytes else { return }
        _ = try? await store.pin(
            cardKey: proof.cardKey.publicKeyInfo, recordIssuer: proof.issuer.bytes, for: active)
    }
}
