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
        let numbers = DER.sequence(DER.integer(rsa.modulus), DER.integer(rsa.exponent))
        let algorithm = DER.sequence(DER.oid(Self.rsaEncryption.bytes), DER.null)
        return DER.sequence(algorithm, DER.bits(numbers))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, for the list of denied keys.
    package var hash: [UInt8] { sha256(publicKeyInfo) }

    private static let rsaEncryption = OID(
        bytes: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01])

    /// A card's key is an identity: it is the same at every tap.
    package var description: String { "[card key]" }
}
