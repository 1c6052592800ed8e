package import Cryptography
internal import TLV

/// A certification authority that imitates JPKI's layout under the name O=JPKI-TEST; never a production name.
package struct TestAuthority: Sendable {
    package let name: TestName
    package let key: RSAPrivateKey
    package let certificate: [UInt8]
    package let keyIdentifier: [UInt8]

    /// The name that all generations of the user-authentication authority share.
    package static let userAuthentication = TestName(
        ("C", "JP"), ("O", "JPKI-TEST"), ("OU", "JPKI-TEST for user authentication"),
        ("OU", "Test Agency for Local Authority Information Systems"))

    /// JPKI's policy for the user-authentication certificate of a card.
    package static let userAuthenticationPolicy: [UInt8] = [
        0x2A, 0x83, 0x08, 0x8C, 0x9B, 0x55, 0x08, 0x05, 0x01, 0x03, 0x1E,
    ]

    package init(
        name: TestName = userAuthentication, validFrom: Int64, validTo: Int64, key: RSAPrivateKey? = nil,
        keyUsage: UInt8? = 0x06, isCA: Bool = true
    ) throws {
        let key = try key ?? RSAPrivateKey()
        self.name = name
        self.key = key
        keyIdentifier = Array(sha256(CertificateBuilder.publicKeyInfo(key.publicKey)).prefix(20))
        var builder = CertificateBuilder(
            subject: name, serial: [0x01], publicKey: key.publicKey, validFrom: validFrom, validTo: validTo)
        if let keyUsage {
            builder.add([0x55, 0x1D, 0x0F], critical: true, DER.object(0x03, [0x01, keyUsage]))
        }
        if isCA { builder.add([0x55, 0x1D, 0x13], critical: true, DER.sequence(DER.yes)) }
        builder.add([0x55, 0x1D, 0x0E], critical: false, DER.octets(keyIdentifier))
        certificate = try builder.signed(by: key, issuer: name)
    }

    /// The distribution point of one municipality.
    package static func distributionPoint(_ city: String) -> TestName {
        TestName(
            ("C", "JP"), ("O", "JPKI-TEST"), ("OU", "JPKI-TEST for user authentication"),
            ("OU", "CRL Distribution Points"),
            ("OU", "Tokyo-to"), ("CN", "\(city) CRLDP"))
    }

    /// What differs between user certificates of a test.
    package struct UserCertificate: Sendable {
        package var serial: [UInt8]
        package var commonName: String
        package var publicKey: RSAPublicKey
        package var validFrom: Int64
        package var validTo: Int64
        /// Bits of keyUsage; 0x80 is digitalSignature.
        package var keyUsage: UInt8? = 0x80
        package var policies: [[UInt8]] = [userAuthenticationPolicy]
        package var policiesAreCritical = true
        package var distributionPoint: TestName? = TestAuthority.distributionPoint("Kiyose-shi")
        /// Further extensions: identifier, critical, value.
        package var extra: [(oid: [UInt8], critical: Bool, value: [UInt8])] = []

        package init(serial: [UInt8], commonName: String, publicKey: RSAPublicKey, validFrom: Int64, validTo: Int64) {
            (self.serial, self.commonName, self.publicKey) = (serial, commonName, publicKey)
            (self.validFrom, self.validTo) = (validFrom, validTo)
        }
    }

    /// A user-authentication certificate in JPKI's layout (利用者証明用電子証明書).
    package func issue(_ user: UserCertificate) throws -> [UInt8] {
        var builder = CertificateBuilder(
            subject: TestName(("C", "JP"), ("CN", user.commonName)), serial: user.serial, publicKey: user.publicKey,
            validFrom: user.validFrom, validTo: user.validTo)
        if let usage = user.keyUsage {
            let unused = UInt8(usage == 0 ? 7 : usage.trailingZeroBitCount)
            builder.add([0x55, 0x1D, 0x0F], critical: true, DER.object(0x03, [unused, usage]))
        }
        if !user.policies.isEmpty {
            let qualifier = DER.sequence(
                DER.sequence(
                    DER.oid([0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01]),
                    DER.object(0x16, Array("http://www.example/cps.html".utf8))))
            let list = user.policies.flatMap { DER.sequence(DER.oid($0), qualifier) }
            builder.add([0x55, 0x1D, 0x20], critical: user.policiesAreCritical, DER.object(0x30, list))
        }
        let organisation = TestName(("C", "JP"), ("O", "公的個人認証サービス（試験）"))
        builder.add([0x55, 0x1D, 0x12], critical: false, DER.sequence(DER.object(0xA4, organisation.der)))
        if let point = user.distributionPoint {
            let name = DER.object(0xA0, DER.object(0xA0, DER.object(0xA4, point.der)))
            builder.add([0x55, 0x1D, 0x1F], critical: false, DER.sequence(DER.sequence(name)))
        }
        builder.add([0x55, 0x1D, 0x23], critical: false, DER.sequence(DER.object(0x80, keyIdentifier)))
        for item in user.extra { builder.add(item.oid, critical: item.critical, item.value) }
        return try builder.signed(by: key, issuer: name)
    }
}

/// An X.509 v3 certificate in the making.
package struct CertificateBuilder {
    private let subject: TestName
    private let serial: [UInt8]
    private let publicKey: RSAPublicKey
    private let validity: [UInt8]
    private var extensions: [UInt8] = []

    static let sha256WithRSA = DER.sequence(
        DER.oid([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]), DER.null)

    package init(subject: TestName, serial: [UInt8], publicKey: RSAPublicKey, validFrom: Int64, validTo: Int64) {
        (self.subject, self.serial, self.publicKey) = (subject, serial, publicKey)
        validity = DER.sequence(DER.time(validFrom), DER.time(validTo))
    }

    package mutating func add(_ oid: [UInt8], critical: Bool, _ value: [UInt8]) {
        extensions += DER.sequence(DER.oid(oid), critical ? DER.yes : [], DER.octets(value))
    }

    package func signed(by key: RSAPrivateKey, issuer: TestName) throws -> [UInt8] {
        let tbs = DER.sequence(
            DER.object(0xA0, DER.integer(2)), DER.integer(serial), Self.sha256WithRSA, issuer.der, validity,
            subject.der,
            Self.publicKeyInfo(publicKey), DER.object(0xA3, DER.object(0x30, extensions)))
        return DER.sequence(tbs, Self.sha256WithRSA, DER.bits(try key.sign(tbs)))
    }

    package static func publicKeyInfo(_ key: RSAPublicKey) -> [UInt8] {
        DER.sequence(
            DER.sequence(DER.oid([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]), DER.null),
            DER.bits(DER.sequence(DER.integer(key.modulus), DER.integer(key.exponent))))
    }
}
