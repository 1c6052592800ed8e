package import Cryptography
internal import TLV

/// The public half of a card's own key (001A of 券面事項確認): what a registration pins.
package struct CardKey: Sendable, Equatable, CustomStringConvertible {
    package let rsa: RSAPublicKey

    package init(_ rsa: RSAPublicKey) { self.rsa = rsa }

    /// From DER SubjectPublicKeyInfo (RFC 5280 4.1).
    package init(publicKeyInfo: [UInt8]) throws(CardDataError) {
        do {
            let info = try TLVElement.only(.sequence, in: publicKeyInfo[...], rules: .der)
            var fields = info.reader(rules: .der)
            var algorithm = try fields.next(.sequence).reader(rules: .der)
            let bits = try fields.next().octetsOfBitString()
            try fields.end()
            guard try algorithm.next().objectIdentifier() == Self.rsaEncryption else {
                throw CardDataError.malformed(.cardKey)
            }
            _ = try algorithm.next(.null)
            try algorithm.end()
            var numbers = try TLVElement.only(.sequence, in: bits, rules: .der).reader(rules: .der)
            let modulus = try numbers.next().integer()
            let exponent = try numbers.next().integer()
            try numbers.end()
            rsa = try RSAPublicKey(modulus: modulus, exponent: exponent)
        } catch {
            throw .malformed(.cardKey)
        }
    }

    /// From a card's record: `90` exponent, `91` modulus.
    package init(cardRecord contents: ArraySlice<UInt8>, record: CardDataError.Record) throws(CardDataError) {
        do {
            var reader = TLVReader(contents, rules: .ber)
            let exponent = try reader.next(0x90).contents
            let modulus = try reader.next(0x91).contents
            try reader.end()
            rsa = try RSAPublicKey(modulus: modulus, exponent: exponent)
        } catch {
            throw .malformed(record)
        }
    }

    /// DER SubjectPublicKeyInfo: the form in which it is pinned, exported and hashed.
    package var publicKeyInfo: [UInt8] {
        func object(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
            switch contents.count {
            case ..<0x80: [tag, UInt8(truncatingIfNeeded: contents.count)] + contents
            case ..<0x100: [tag, 0x81, UInt8(truncatingIfNeeded: contents.count)] + contents
            default:
                [
                    tag, 0x82, UInt8(truncatingIfNeeded: contents.count >> 8),
                    UInt8(truncatingIfNeeded: contents.count & 0xFF),
                ] + contents
            }
        }
        func integer(_ bytes: [UInt8]) -> [UInt8] {
            object(0x02, (bytes.first ?? 0) & 0x80 != 0 ? [0] + bytes : bytes)
        }
        let numbers = object(0x30, integer(rsa.modulus) + integer(rsa.exponent))
        let algorithm = object(0x30, object(0x06, Self.rsaEncryption.bytes) + [0x05, 0x00])
        return object(0x30, algorithm + object(0x03, [0x00] + numbers))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, for the list of denied keys.
    package var hash: [UInt8] { sha256(publicKeyInfo) }

    private static let rsaEncryption = OID(
        bytes: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01])

    /// A card's key is an identity: it is the same at every tap.
    package var description: String { "[card key]" }
}
