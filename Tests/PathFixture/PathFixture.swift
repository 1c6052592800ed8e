package import Certificates
internal import Clock
package import Cryptography
package import TestPKI

/// 2026-01-01, a year of validity on both sides.
package let now: Int64 = 1_767_225_600
package let year: Int64 = 366 * 86_400

/// Keys are made once for all suites of a test target.
package struct Fixture: Sendable {
    package let authority: TestAuthority
    package let userKey: RSAPrivateKey
    package static let shared = Result {
        try Fixture(authority: TestAuthority(validFrom: now - year, validTo: now + 9 * year), userKey: RSAPrivateKey())
    }

    package func user(_ change: (inout TestAuthority.UserCertificate) -> Void = { _ in })
        -> TestAuthority.UserCertificate
    {
        var user = TestAuthority.UserCertificate(
            serial: [0x06, 0xD1, 0x80, 0x07], commonName: "997794E9AGCIEG13221003A", publicKey: userKey.publicKey,
            validFrom: now - 86_400, validTo: now + year)
        change(&user)
        return user
    }

    package func certificate(_ change: (inout TestAuthority.UserCertificate) -> Void = { _ in }) throws -> [UInt8] {
        try authority.issue(user(change))
    }

    package func anchors() throws -> TrustAnchors { try TrustAnchors([authority.certificate]) }

    package func validated(_ certificate: [UInt8]? = nil, at time: Int64 = now) throws -> ValidatedCertificate {
        try anchors().validate(
            UnverifiedCertificate(der: certificate ?? self.certificate()), requirements: CertificateRequirements(),
            at: TrustedTime(asserted: time))
    }
}
