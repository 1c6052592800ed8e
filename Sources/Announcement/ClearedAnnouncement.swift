package import Certificates
internal import Cryptography
package import Login
package import MyNumberCard
package import Registry
package import Revocation

/// What speaks for whoever is announced: a certificate with a path and on no list, its active registration, and the proof
/// of the registered card. Proofs that do not agree make none.
package struct PresenceProofs: Sendable, CustomStringConvertible, CustomReflectable {
    package let registration: ActiveRegistration
    package let card: CardProof
    /// The one whose nonce the card signed.
    var presence: Presence { card.presence }

    /// Nil unless all are of one certificate, one card and one birth date.
    /// - Parameter registration: where no card key is pinned in it, the caller has pinned the proof's.
    package init?(
        certificate: ValidatedCertificate, revocation: GoodRevocation, registration: ActiveRegistration,
        card: CardProof
    ) {
        let held = registration.registration
        guard let endEntity = certificate.path.first?.certificate.der,
            held.certificate.revealed == endEntity, revocation.certificate == endEntity,
            // By value: a record may bring the key in another encoding than ours.
            held.cardKey.map({ (try? CardKey(publicKeyInfo: $0.revealed)) == card.cardKey }) ?? true,
            BirthDate(held.birthDate.revealed) == card.birthDate
        else { return nil }
        (self.registration, self.card) = (registration, card)
    }

    package var description: String { "[proofs]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The leave to tell libraries of a tap. Nothing but the login's clearance, with proofs and tokens of the same presence,
/// makes one, and `Announcer` sends no token of a tap without one.
package struct ClearedAnnouncement: Sendable {
    let announcement: TapAnnouncement

    /// Nil when the three are not of one presence, or the tokens not of the registration that was proven.
    package init?(_ announcement: TapAnnouncement, clearance: Clearance, proofs: PresenceProofs) {
        guard clearance.presence == proofs.presence,
            announcement.origin == TapAnnouncement.Origin(clearance.presence, proofs.registration.id)
        else { return nil }
        self.announcement = announcement
    }
}
