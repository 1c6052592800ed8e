internal import Announcement
internal import Login
internal import MyNumberCard
internal import Registry
internal import Certificates
internal import Revocation

/// Everything held under one presence number, dropped at `forget`. The login itself holds none of it.
struct PresenceEvidence {
    enum Answer {
        case pinned(PinnedChallengeAnswer)
        case unpinned(UnverifiedChallengeAnswer)
    }

    let session: CardSession
    /// Seconds since 1970.
    let tapped: Int64
    var certificate: [UInt8] = []
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

    init(session: CardSession, tapped: Int64) { (self.session, self.tapped) = (session, tapped) }
}

/// The leave to announce with the values that say the same: nothing is sent without every one of them.
struct ClearedAnnouncement {
    let sealed: TapAnnouncement

    /// Takes the whole chain of evidence of `clearance`'s own presence.
    init(
        _ sealed: TapAnnouncement, clearance: Clearance, validated: ValidatedCertificate, revocation: GoodRevocation,
        registration: ActiveRegistration, proof: CardProof
    ) {
        self.sealed = sealed
    }
}
