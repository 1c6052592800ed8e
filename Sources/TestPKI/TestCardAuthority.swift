package import Cryptography
internal import TLV

/// The cards' own hierarchy: a CA of the test range, and a municipality that signs records.
package struct TestCardAuthority: Sendable {
    package let identifier: [UInt8]
    package let key: RSAPrivateKey

    /// - Parameter digits: seven digits: 6000023 signs for 券面事項確認, 6000033 for 券面事項入力補助.
    package init(digits: String = "6000023", key: RSAPrivateKey? = nil) throws {
        identifier = Self.identifier(digits, "001")
        self.key = try key ?? RSAPrivateKey()
    }

    /// Seven digits, 08 05, three digits, three zeros, 00.
    package static func identifier(_ digits: String, _ version: String) -> [UInt8] {
        Array(digits.utf8) + [0x08, 0x05] + Array(version.utf8) + [0x00, 0x00, 0x00, 0x00]
    }

    /// The entry of `[trust] card_anchors`.
    package func anchorJSON(use: String = "visual") -> String {
        #"{"key_id":"\#(identifier.hexText)","use":"\#(use)","n":"\#(key.publicKey.modulus.hexText)","e":"010001"}"#
    }

    /// EF 0004: vouches for a municipality's key.
    package func cvCertificate(for municipality: TestMunicipality) throws -> [UInt8] {
        let body = identifier + municipality.identifier + CardRecord.publicKey(municipality.key.publicKey)
        return BER.object(
            0x7F21, BER.object(0x5F4E, body) + BER.object(0x5F37, try key.sign(body)))
    }
}

/// Whoever signs the records of the cards that it issues.
package struct TestMunicipality: Sendable {
    package let identifier: [UInt8]
    package let key: RSAPrivateKey

    package init(digits: String = "1322121", key: RSAPrivateKey? = nil) throws {
        identifier = TestCardAuthority.identifier(digits, "000")
        self.key = try key ?? RSAPrivateKey()
    }

    /// EF 0001 of 券面事項確認.
    /// - Parameter birthDate: eight digits.
    package func ageRecord(birthDate: String, cardKey: RSAPublicKey) throws -> [UInt8] {
        let signed =
            BER.object(0xDF11, Array(birthDate.utf8)) + BER.object(0xDF12, CardRecord.publicKey(cardKey), form: .two)
        return BER.object(0xFF10, signed + BER.object(0xDF13, try key.sign(signed), form: .two), form: .two)
    }
}

/// Records of a card, in BER-TLV with the long lengths that cards use.
package enum CardRecord {
    package static func publicKey(_ key: RSAPublicKey) -> [UInt8] {
        BER.object(0x90, [0x01, 0x00, 0x01]) + BER.object(0x91, key.modulus, form: .two)
    }
}

/// BER-TLV with a choice of length form.
package enum BER {
    package enum Form: Sendable { case shortest, two }

    package static func object(_ tag: UInt32, _ contents: [UInt8], form: Form = .shortest) -> [UInt8] {
        let tagBytes = (0..<4).map { UInt8(truncatingIfNeeded: tag >> (24 - 8 * $0)) }.drop { $0 == 0 }
        let length =
            switch form {
            case .shortest: DER.length(contents.count)
            case .two: [0x82, UInt8(contents.count >> 8), UInt8(contents.count & 0xFF)] as [UInt8]
            }
        return tagBytes + length + contents
    }
}
