package import Cryptography
internal import MyNumberCard
package import TestPKI

/// Whose card it is: invented people.
package struct Holder: Sendable {
    package var name: String
    package var address: String
    /// Eight digits.
    package var birthDate: String
    /// Six digits, as printed.
    package var birthKey: String
    /// '1', '2', '0' or '9'.
    package var sex: Character
    /// 個人番号, twelve digits; also 照合番号A.
    package var number: String
    /// 照合番号B, fourteen digits.
    package var checkB: String

    /// The holder of the public test vectors: fictional.
    package static let kurokiri = Holder(
        name: "黒桐　幹也", address: "東京都清瀬市試験町１－２－３", birthDate: "19800217", birthKey: "550217", sex: "1",
        number: "537686677188", checkB: "55021720352285")

    package init(
        name: String, address: String, birthDate: String, birthKey: String, sex: Character, number: String,
        checkB: String
    ) {
        (self.name, self.address, self.birthDate, self.birthKey) = (name, address, birthDate, birthKey)
        (self.sex, self.number, self.checkB) = (sex, number, checkB)
    }
}

/// The hierarchies that vouch for a set of test cards.
package struct TestIssuers: Sendable {
    package let authority: TestAuthority
    package let visual: TestCardAuthority
    package let text: TestCardAuthority
    package let municipality: TestMunicipality

    /// - Parameter now: seconds since 1970; the authority is valid from a year before.
    package init(now: Int64) throws {
        authority = try TestAuthority(validFrom: now - 366 * 86_400, validTo: now + 9 * 366 * 86_400)
        visual = try TestCardAuthority(digits: "6000023")
        text = try TestCardAuthority(digits: "6000033")
        municipality = try TestMunicipality()
    }
}

/// A personalised test card, and what a registration of it needs.
package struct IssuedCard: Sendable {
    package var profile: CardProfile
    package let certificate: [UInt8]
    package let serial: [UInt8]
    package let holder: Holder
    package let cardKey: RSAPrivateKey

    /// - Parameters:
    ///   - medium: the token's label: JPKIAPICCTOKEN2, or a phone's.
    ///   - certificate: a certificate to carry instead of an own one: a copy.
    package init(
        holder: Holder = .kurokiri, serial: [UInt8] = [0x06, 0xD1, 0x80, 0x07], issuers: TestIssuers, now: Int64,
        medium: String = "JPKIAPICCTOKEN2", certificate copied: [UInt8]? = nil,
        user: ((inout TestAuthority.UserCertificate) -> Void)? = nil
    ) throws {
        let authenticationKey = try RSAPrivateKey()
        let signingKey = try RSAPrivateKey()
        let cardKey = try RSAPrivateKey()
        let textKey = try RSAPrivateKey()
        var request = TestAuthority.UserCertificate(
            serial: serial, commonName: "997794E9AGCIEG\(serial.hexText.uppercased())A",
            publicKey: authenticationKey.publicKey, validFrom: now - 30 * 86_400, validTo: now + 4 * 366 * 86_400)
        user?(&request)
        let certificate = try copied ?? issuers.authority.issue(request)
        var signing = request
        signing.publicKey = signingKey.publicKey
        signing.serial = serial + [0x01]
        signing.keyUsage = 0xC0
        (self.holder, self.serial, self.certificate, self.cardKey) = (holder, serial, certificate, cardKey)
        let applications = [
            try Self.jpki(
                issuers, certificate: certificate, signing: try issuers.authority.issue(signing),
                keys: (authenticationKey, signingKey), medium: medium),
            try Self.visual(holder, issuers, cardKey: cardKey),
            try Self.text(holder, issuers, textKey: textKey),
            Self.resident(), try Self.common(),
        ]
        // A phone has the JPKI application and none of the card's face.
        profile = CardProfile(applications: medium == "JPKIAPICCTOKEN2" ? applications : [applications[0]])
    }

    private static func jpki(
        _ issuers: TestIssuers, certificate: [UInt8], signing: [UInt8], keys: (RSAPrivateKey, RSAPrivateKey),
        medium: String
    ) throws -> CardProfile.Application {
        var jpki = CardProfile.Application(dfName: CardApplication.jpki.dfName)
        jpki.files = [
            .init(0x01, signing, openedBy: [0x1B]), .init(0x02, issuers.authority.certificate),
            .init(0x06, tokenInformation(medium)), .init(0x08, [0x8F, 0x8F, 0x00]),
            .init(0x0A, certificate), .init(0x0B, issuers.authority.certificate),
        ]
        jpki.secrets = [.init(0x18, "1234", tries: 3), .init(0x1B, "ABC123", tries: 5)]
        jpki.keys = [try .init(0x17, keys.0, guardedBy: 0x18), try .init(0x1A, keys.1, guardedBy: 0x1B)]
        return jpki
    }

    /// 160 bytes as PKCS#11's CK_TOKEN_INFO.
    private static func tokenInformation(_ label: String) -> [UInt8] {
        func padded(_ text: String, _ width: Int) -> [UInt8] {
            Array(text.utf8.prefix(width)) + [UInt8](repeating: 0x20, count: max(0, width - text.utf8.count))
        }
        let number = String(repeating: "9", count: 16)
        var information = padded(label, 32) + padded("TEST", 32) + padded("E16R01NJ", 16)
        information += padded("0000000020500003", 16) + [0x00, 0x00, 0x04, 0x0D]
        // Sessions, lengths of a PIN, and memory, which is not told.
        information +=
            [UInt8](repeating: 0, count: 16) + [0, 0, 0, 16, 0, 0, 0, 6] + [UInt8](repeating: 0xFF, count: 16)
        return information + Array("0301".utf8) + padded(number, 16)
    }

    private static func visual(_ holder: Holder, _ issuers: TestIssuers, cardKey: RSAPrivateKey) throws
        -> CardProfile.Application
    {
        var visual = CardProfile.Application(dfName: CardApplication.visual.dfName)
        let keyID = TestCardAuthority.identifier("6000024", "001")
        let information = BER.object(
            0xFF30,
            BER.object(0xDF31, [0x06, 0x03, 0x0E, 0x01]) + BER.object(0xDF32, keyID) + BER.object(0xDF33, [0x00])
                + BER.object(0xDF34, Array("13221".utf8)), form: .two)
        visual.files = [
            // Cards pad their files.
            .init(
                0x01, try issuers.municipality.ageRecord(birthDate: holder.birthDate, cardKey: cardKey.publicKey),
                openedBy: [0x11]),
            .init(
                0x02, BER.object(0xFF20, [UInt8](repeating: 0, count: 32), form: .two) + [0xFF, 0xFF],
                openedBy: [0x12, 0x13]),
            .init(0x03, information), .init(0x04, try issuers.visual.cvCertificate(for: issuers.municipality)),
            .init(0x05, BER.object(0xFF40, [], form: .two), openedBy: [0x13]),
            .init(0x06, [UInt8](repeating: 0xFF, count: 16), openedBy: [0x12, 0x13]),
        ]
        visual.secrets = [
            .init(0x11, holder.birthKey, tries: 10), .init(0x12, holder.checkB, tries: 10),
            .init(0x13, holder.number, tries: 10),
        ]
        visual.keys = [try .init(0x1A, cardKey)]
        visual.defaultKey = 0x1A
        return visual
    }

    private static func text(_ holder: Holder, _ issuers: TestIssuers, textKey: RSAPrivateKey) throws
        -> CardProfile.Application
    {
        var text = CardProfile.Application(dfName: CardApplication.text.dfName)
        let number = BER.object(0xFF10, Array(holder.number.utf8)) + [0xFF, 0xFF]
        let fields =
            BER.object(0xDF22, Array(holder.name.utf8)) + BER.object(0xDF23, Array(holder.address.utf8))
            + BER.object(0xDF24, Array(holder.birthDate.utf8)) + BER.object(0xDF25, Array(String(holder.sex).utf8))
        let attributes = BER.object(0xFF20, BER.object(0xDF21, [UInt8](repeating: 0, count: 8)) + fields)
        let digests = BER.object(0xDF31, sha256(number)) + BER.object(0xDF32, sha256(fields))
        let key = BER.object(0xDF51, CardRecord.publicKey(textKey.publicKey), form: .two)
        let opened: [UInt8] = [0x11, 0x14, 0x15]
        text.files = [
            .init(0x01, number, openedBy: [0x11, 0x14]), .init(0x02, attributes, openedBy: [0x11, 0x15]),
            .init(
                0x03,
                BER.object(
                    0xFF30, digests + BER.object(0xDF33, try issuers.municipality.key.sign(digests), form: .two),
                    form: .two),
                openedBy: opened),
            .init(0x04, try issuers.text.cvCertificate(for: issuers.municipality)),
            .init(0x05, BER.object(0xFF40, BER.object(0xDF41, [0x01, 0x03, 0x0E, 0x01]), form: .two)),
            .init(
                0x07,
                BER.object(
                    0xFF50, key + BER.object(0xDF52, try issuers.municipality.key.sign(key), form: .two), form: .two),
                openedBy: opened),
            .init(0x08, [UInt8](repeating: 0xFF, count: 16)),
        ]
        var blocked = CardProfile.Secret(0x12, "", tries: 0)
        blocked.left = 0
        text.secrets = [
            .init(0x11, "1234", tries: 3), blocked, .init(0x14, holder.number, tries: 10),
            .init(0x15, holder.checkB, tries: 10),
        ]
        text.keys = [try .init(0x13, textKey)]
        text.defaultKey = 0x13
        return text
    }

    private static func resident() -> CardProfile.Application {
        var resident = CardProfile.Application(dfName: [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01])
        resident.files = [.init(0x02, TestCardAuthority.identifier("6000020", "001"), isRecord: true)]
        resident.secrets = [.init(0x1C, "1234", tries: 3)]
        return resident
    }

    private static func common() throws -> CardProfile.Application {
        var common = CardProfile.Application(dfName: [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00])
        common.files = [
            .init(0x01, [0x01, 0x1C] + Array("4000000127198431322120350217".utf8), isRecord: true),
            .init(0x02, TestCardAuthority.identifier("6000020", "001"), isRecord: true),
        ]
        common.secrets = [.init(0x1C, "1234", tries: 3)]
        common.keys = [try .init(0x19, RSAPrivateKey(), isForInternalAuthenticate: true)]
        return common
    }
}
