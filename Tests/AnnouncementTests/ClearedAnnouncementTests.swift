import Announcement
import Certificates
import Clock
import Cryptography
import GRDB
import Glibc
import Login
import MyNumberCard
import Registry
import Revocation
import SecurityEvents
import TLV
import TestPKI
import Testing
import VirtualCard

/// What leaves a kiosk about a tap is cleared by the login and proven by the card, in one and the same presence.
@Suite struct ClearedAnnouncementTests {
    private static let now: Int64 = 1_767_225_600

    /// Two people's cards of one hierarchy: making their keys takes longer than everything else.
    private struct Issued: Sendable {
        let issuers: TestIssuers
        let cards: [IssuedCard]
        static let made = Result {
            let issuers = try TestIssuers(now: now)
            let cards = try [0x07, 0x08].map {
                try IssuedCard(serial: [0x06, 0xD1, 0x80, $0], issuers: issuers, now: now)
            }
            return Issued(issuers: issuers, cards: cards)
        }
    }

    /// Everything that a presence of one card proves, by the rooms that prove it.
    private struct Proven {
        let certificate: ValidatedCertificate
        let revocation: GoodRevocation
        let registration: ActiveRegistration
        let card: CardProof

        var proofs: PresenceProofs? {
            PresenceProofs(certificate: certificate, revocation: revocation, registration: registration, card: card)
        }
    }

    private struct Unproven: Error {}
    private let issued: Issued
    private let store: RegistrationStore
    private let announcer: Announcer
    init() throws {
        issued = try Issued.made.get()
        store = try RegistrationStore(database: DatabaseQueue(), storageKey: SecureRandom.shared.secret(32))
        let keys = try Pair.Keys()
        announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .loopback(url: "http://127.0.0.1:9/"),
                    suite: keys.suite(.direct))
            ], keys: keys)
    }

    private func proven(
        _ card: IssuedCard, in presence: Presence = Presence(number: 1), pinned: Confidential<[UInt8]>? = nil,
        birthDate: String = "1980-02-17"
    ) async throws -> Proven {
        let issuers = issued.issuers
        let anchors = try TrustAnchors([issuers.authority.certificate])
        let certificate = try anchors.validate(
            UnverifiedCertificate(der: card.certificate), requirements: CertificateRequirements(),
            at: TrustedTime(asserted: Self.now))
        let list = TestRevocationList(issuers.authority, thisUpdate: Self.now - 60, nextUpdate: Self.now + 86_400)
        let lists = try RevocationLists(
            [UnverifiedRevocationList(der: list.signed(by: issuers.authority))],
            authorities: [issuers.authority.certificate])
        guard case .good(let revocation) = lists.check(certificate, anchors: anchors, maxAge: nil) else {
            throw Unproven()
        }
        try await store.store(
            Registration(
                certificate: Confidential(card.certificate),
                ppids: ["central": Confidential("PPID-\(card.serial.hexText)")],
                birthDate: Confidential(birthDate),
                cardKey: pinned, since: Self.now))
        guard case .active(let registration) = try await store.lookUp(certificate: card.certificate) else {
            throw Unproven()
        }
        var cardAnchors = CardAnchors(allowsTest: true)
        try cardAnchors.add(
            try #require(KeyIdentifier(issuers.visual.identifier)), use: .visual, key: issuers.visual.key.publicKey)
        let issuer = try CVCertificate(try issuers.visual.cvCertificate(for: issuers.municipality))
            .verified(under: cardAnchors, use: .visual)
        let challenge = try CardChallenge(for: presence)
        let proof = try CardProof.verify(
            try challenge.answered(card.cardKey.signPadded(challenge.digestInfo)),
            record: AgeRecord(issuers.municipality.ageRecord(birthDate: "19800217", cardKey: card.cardKey.publicKey)),
            issuer: issuer, anchors: cardAnchors)
        return Proven(certificate: certificate, revocation: revocation, registration: registration, card: proof)
    }

    /// The machine's own, by the facts of a presence that meets every requirement.
    private func clearance(_ presence: Presence) throws -> Clearance {
        var machine = LoginMachine()
        var effects: [LoginEffect] = []
        for event in [.health(nil), .inserted(presence)] as [LoginEvent] { _ = machine.handle(event) }
        for fact: Fact in [
            .certificateRead, .lookedUp(.activePinned), .validated(.good), .challengeAnswered(.pinnedKey),
            .triesCounted(10), .birthDateVerified(accepted: true), .proofChecked(.proven),
        ] { effects += machine.handle(.fact(presence, fact)) }
        return try #require(
            effects.compactMap { if case .announce(let clearance) = $0 { clearance } else { nil } }.first)
    }

    @Test("Clearance, proofs and tokens of one presence are sent; of two, there is nothing to send")
    func onePresence() async throws {
        let (first, second) = (Presence(number: 1), Presence(number: 2))
        let (one, other) = (try await proven(issued.cards[0]), try await proven(issued.cards[1]))
        let proofs = try #require(one.proofs)
        let tokens = try await announcer.seal(one.registration, of: first, tapped: Self.now)
        #expect(ClearedAnnouncement(tokens, clearance: try clearance(first), proofs: proofs) != nil)

        #expect(ClearedAnnouncement(tokens, clearance: try clearance(second), proofs: proofs) == nil, "its clearance")
        let later = try #require(try await proven(issued.cards[0], in: second).proofs)
        #expect(ClearedAnnouncement(tokens, clearance: try clearance(first), proofs: later) == nil, "its proofs")
        let earlier = try await announcer.seal(one.registration, of: second, tapped: Self.now)
        #expect(ClearedAnnouncement(earlier, clearance: try clearance(first), proofs: proofs) == nil, "its tokens")
        let strangers = try await announcer.seal(other.registration, of: first, tapped: Self.now)
        #expect(ClearedAnnouncement(strangers, clearance: try clearance(first), proofs: proofs) == nil, "whose tokens")
    }

    @Test("Proofs of two cards, or of another birth date, are none")
    func oneCard() async throws {
        let (one, other) = (try await proven(issued.cards[0]), try await proven(issued.cards[1]))
        for mixed in [
            Proven(
                certificate: other.certificate, revocation: one.revocation, registration: one.registration,
                card: one.card),
            Proven(
                certificate: one.certificate, revocation: other.revocation, registration: one.registration,
                card: one.card),
            Proven(
                certificate: one.certificate, revocation: one.revocation, registration: other.registration,
                card: one.card),
        ] { #expect(mixed.proofs == nil) }
        // A card key that is pinned must be the proof's.
        let own = CardKey(issued.cards[0].cardKey.publicKey).publicKeyInfo
        let pinned = try await proven(issued.cards[0], pinned: Confidential(own))
        #expect(pinned.proofs != nil)
        // A record may bring the same key in another encoding: a modulus without its leading zero.
        let written = CardKey(issued.cards[1].cardKey.publicKey)
        let numbers = DER.sequence(
            DER.object(0x02, written.rsa.modulus), DER.integer(written.rsa.exponent))
        let algorithm = DER.sequence(DER.oid([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]), DER.null)
        let otherForm = DER.sequence(algorithm, DER.bits(numbers))
        #expect(otherForm != written.publicKeyInfo && (try? CardKey(publicKeyInfo: otherForm)) == written)
        let imported = try await proven(issued.cards[1], pinned: Confidential(otherForm))
        #expect(imported.proofs != nil)
        let stranger = Proven(
            certificate: pinned.certificate, revocation: pinned.revocation, registration: pinned.registration,
            card: other.card)
        #expect(stranger.proofs == nil)
        #expect(try await proven(issued.cards[1], birthDate: "1980-02-18").proofs == nil)
    }
}
