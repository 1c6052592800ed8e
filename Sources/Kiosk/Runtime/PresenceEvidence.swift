internal import Announcement
internal import Certificates
internal import Clock
internal import Cryptography
internal import Login
internal import MyNumberCard
internal import Registry
internal import Revocation

/// Everything held under one presence number. The login itself holds none of it.
struct PresenceEvidence {
    enum Answer {
        case pinned(PinnedChallengeAnswer)
        case unpinned(UnverifiedChallengeAnswer)
    }

    let session: CardSession
    /// Nil: no time was believed.
    let tapped: TrustedTime?
    /// The bytes that were read from the card. What a call makes of them, and frees, the allocator overwrites
    /// (systemd/sandbox.conf).
    var certificate: SecretBytes?
    var active: ActiveRegistration?
    var validated: ValidatedCertificate?
    var revocation: GoodRevocation?
    var answer: Answer?
    var proof: CardProof?
    /// The token, made while the card works; sent only with a clearance.
    var sealing: Task<TapAnnouncement?, Never>?
    /// The card's work is over.
    var isReleased = false
    var deadlines: [Task<Void, Never>] = []
    var work: [Task<Void, Never>] = []
}

/// The one owner of what is held of presences: it begins at `begin` and ends at `forget`, where the bytes that were read
/// from the card are overwritten. What was made of them (the path, the registration) is dropped, and overwritten as it is.
struct Evidence {
    private var held: [Presence: PresenceEvidence] = [:]

    var presences: [Presence] { Array(held.keys) }

    /// Nil before the presence began and after it was forgotten: what comes late is not kept.
    subscript(presence: Presence) -> PresenceEvidence? { held[presence] }

    mutating func begin(_ presence: Presence, session: CardSession, tapped: TrustedTime?) {
        guard held[presence] == nil else { return }
        held[presence] = PresenceEvidence(session: session, tapped: tapped)
    }

    mutating func keep<Value>(_ value: Value, as part: WritableKeyPath<PresenceEvidence, Value>, of presence: Presence)
    {
        held[presence]?[keyPath: part] = value
    }

    mutating func add(
        _ task: Task<Void, Never>, to part: WritableKeyPath<PresenceEvidence, [Task<Void, Never>]>,
        of presence: Presence
    ) {
        held[presence]?[keyPath: part].append(task)
    }

    /// All that the presence has proved; nil while something is missing, or does not agree.
    func proofs(of presence: Presence) -> PresenceProofs? {
        guard let held = held[presence], let validated = held.validated, let revocation = held.revocation,
            let active = held.active, let proof = held.proof
        else { return nil }
        return PresenceProofs(
            certificate: validated, revocation: revocation, registration: active, card: proof)
    }

    /// Ends what waits and works for the presence, and lets go of what was read from its card, which overwrites it.
    mutating func forget(_ presence: Presence) {
        guard let forgotten = held.removeValue(forKey: presence) else { return }
        forgotten.deadlines.forEach { $0.cancel() }
        forgotten.sealing?.cancel()
        let work = forgotten.work
        Task {
            // An exchange that a removal tore comes back by itself; one that does not is given up soon after.
            try? await Task.sleep(for: .milliseconds(250))
            work.forEach { $0.cancel() }
        }
    }
}
