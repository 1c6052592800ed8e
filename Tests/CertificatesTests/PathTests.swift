import Certificates
import Clock
import Cryptography
import PathFixture
import TLV
import TestPKI
import Testing

@Suite struct PathTests {
    private let fixture: Fixture
    init() throws { fixture = try Fixture.shared.get() }

    private func code(
        _ certificate: [UInt8], requirements: CertificateRequirements = .init(), anchors: TrustAnchors? = nil,
        at time: Int64 = now
    ) throws -> CertificateError.Code? {
        do {
            _ = try (anchors ?? fixture.anchors()).validate(
                UnverifiedCertificate(der: certificate), requirements: requirements, at: TrustedTime(asserted: time))
            return nil
        } catch let error as CertificateError {
            return error.code
        }
    }

    @Test("A certificate in JPKI's layout, its critical policies included, has a path")
    func valid() throws {
        let policy = try #require(OID("1.2.392.200149.8.5.1.3.30"))
        #expect(try code(fixture.certificate(), requirements: .init(policies: [policy])) == nil)
    }

    @Test("Three generations of one authority share a name and are told apart by key")
    func generations() throws {
        let others = try (0..<2).map { _ in try TestAuthority(validFrom: now - year, validTo: now + year) }
        let certificate = try fixture.certificate()
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let all = [others[0].certificate, others[1].certificate, fixture.authority.certificate]
            #expect(try code(certificate, anchors: TrustAnchors(order.map { all[$0] })) == nil)
        }
        #expect(try code(certificate, anchors: TrustAnchors(others.map(\.certificate))) == .signature)
    }

    @Test("Dates are held against the trusted time, to the second")
    func dates() throws {
        let certificate = try fixture.certificate()
        #expect(try code(certificate, at: now - 86_400 - 1) == .notYetValid)
        #expect(try code(certificate, at: now - 86_400) == nil)
        #expect(try code(certificate, at: now + year) == nil)
        #expect(try code(certificate, at: now + year + 1) == .expired)
    }

    @Test("An expired authority vouches for nobody")
    func expiredAuthority() throws {
        let old = try TestAuthority(validFrom: now - 2 * year, validTo: now - 1)
        #expect(try code(old.issue(fixture.user()), anchors: TrustAnchors([old.certificate])) == .expired)
    }

    @Test("A policy that was not asked for is refused")
    func policy() throws {
        let wanted = CertificateRequirements(policies: [try #require(OID("1.2.392.200149.8.5.1.3.30"))])
        let phone: [UInt8] = [0x2A, 0x83, 0x08, 0x8C, 0x9B, 0x55, 0x08, 0x05, 0x01, 0x01, 0x28]
        #expect(try code(fixture.certificate { $0.policies = [phone] }, requirements: wanted) == .policy)
        #expect(try code(fixture.certificate { $0.policies = [] }, requirements: wanted) == .policy)
        #expect(
            try code(
                fixture.certificate { $0.policies = [phone, TestAuthority.userAuthenticationPolicy] },
                requirements: wanted) == nil)
    }

    @Test("A key that may not sign is refused")
    func keyUsage() throws {
        // keyEncipherment.
        #expect(try code(fixture.certificate { $0.keyUsage = 0x20 }) == .keyUsage)
    }

    @Test("A critical extension that nobody understands refuses; one that is not critical does not")
    func unknownExtensions() throws {
        let oid: [UInt8] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x63]
        #expect(try code(fixture.certificate { $0.extra = [(oid, true, [0x05, 0x00])] }) == .constraints)
        #expect(try code(fixture.certificate { $0.extra = [(oid, false, [0x05, 0x00])] }) == nil)
        // nameConstraints, critical: not enforced here, so not taken.
        #expect(
            try code(fixture.certificate { $0.extra = [([0x55, 0x1D, 0x1E], true, [0x30, 0x00])] }) == .constraints)
    }

    @Test("Critical policies that are not DER refuse, as does a policy named twice")
    func brokenPolicies() throws {
        let broken = try fixture.certificate {
            $0.policies = []
            $0.extra = [([0x55, 0x1D, 0x20], true, [0x30, 0x03, 0x30, 0x01, 0x05])]
        }
        #expect(try [CertificateError.Code.malformed, .constraints].contains(code(broken)))
        let twice = TestAuthority.userAuthenticationPolicy
        #expect(
            try [CertificateError.Code.malformed, .constraints].contains(
                code(fixture.certificate { $0.policies = [twice, twice] })))
    }

    @Test("A denied authority key, by hash or by identifier, has no path")
    func denied() throws {
        let info = CertificateBuilder.publicKeyInfo(fixture.authority.key.publicKey)
        for id in [sha256(info), fixture.authority.keyIdentifier] {
            #expect(try code(fixture.certificate(), requirements: .init(denied: [id])) == .noPath)
        }
    }

    @Test("An end entity vouches for nobody, nor does a CA without keyCertSign")
    func notACA() throws {
        let entity = try TestAuthority(validFrom: now - year, validTo: now + year, keyUsage: 0x80, isCA: false)
        #expect(throws: CertificateError(.constraints, "an anchor is not a CA's certificate")) {
            try TrustAnchors([entity.certificate])
        }
        // cRLSign only.
        let lists = try TestAuthority(validFrom: now - year, validTo: now + year, keyUsage: 0x02)
        let certificate = try lists.issue(fixture.user())
        #expect(try code(certificate, anchors: TrustAnchors([lists.certificate])) == .keyUsage)
    }

    @Test("Every truncation and every flipped bit of a certificate is refused, without a trap")
    func altered() throws {
        let certificate = try fixture.certificate()
        for count in stride(from: 0, to: certificate.count, by: 5) {
            #expect(try code(Array(certificate.prefix(count))) == .malformed)
        }
        #expect(try code(certificate + [0x00]) == .malformed)
        for index in stride(from: 0, to: certificate.count, by: 3) {
            var changed = certificate
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(try code(changed) != nil, "bit of byte \(index)")
        }
    }
}
