package import Cryptography
internal import FoundationEssentials

/// The protected header of a token of the profile.
package struct TokenHeader: Codable, Sendable, Equatable {
    package var alg: String
    package var enc: String?
    package var typ: String?
    package var cty: String?
    package var kid: String?
    package var epk: EphemeralKey?
    // Present only to be refused: the profile has none of them.
    var crit: [String]?
    var zip: String?
    var apu: String?
    var apv: String?

    package struct EphemeralKey: Codable, Sendable, Equatable {
        package var kty: String
        package var crv: String
        package var x: String
        package var y: String
    }

    var hasForeignMember: Bool { crit != nil || zip != nil || apu != nil || apv != nil }

    static func decode(_ segment: ArraySlice<UInt8>) throws(JOSEError) -> TokenHeader {
        let json = try Base64URL.decode(segment)
        guard let header = try? JSONDecoder().decode(TokenHeader.self, from: Data(json)) else { throw .malformed }
        return header
    }

    func encoded() throws(JOSEError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { throw .failed }
        return Base64URL.encodedBytes(json)
    }
}

/// A compact JWS (RFC 7515) as it came in. Nobody has checked its signature.
package struct UnverifiedJWS: Sendable {
    package let header: TokenHeader
    private let payload: [UInt8]
    private let signingInput: [UInt8]
    private let signature: [UInt8]

    package init(_ compact: [UInt8]) throws(JOSEError) {
        let parts = compact.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        // safe: there are three
        let part = (parts[0], parts[1], parts[2])
        header = try TokenHeader.decode(part.0)
        payload = try Base64URL.decode(part.1)
        signature = try Base64URL.decode(part.2)
        signingInput = Array(compact.prefix(part.1.endIndex))
    }

    /// `iss` as it stands in the payload, unverified: for the one check that a receiver makes before the signature,
    /// whether the key and the issuer belong together.
    package var unverifiedIssuer: String? {
        struct Claims: Decodable { let iss: String }
        return (try? JSONDecoder().decode(Claims.self, from: Data(payload)))?.iss
    }

    /// The payload, once `key` is known to have signed it with ES256 (RFC 7518 3.4). The algorithm is the receiver's
    /// choice, never the token's (RFC 8725 3.1).
    package func verified(under key: P256PublicKey) throws(JOSEError) -> [UInt8] {
        guard header.alg == "ES256", header.enc == nil, !header.hasForeignMember else { throw .unexpectedHeader }
        do {
            try key.verify(signature, over: signingInput)
        } catch {
            throw .signature
        }
        return payload
    }
}

package enum JWS {
    /// A compact JWS over `payload`, ES256.
    package static func sign(_ payload: [UInt8], type: String, key: SigningKey) throws(JOSEError) -> [UInt8] {
        let header = try header(type, key.keyID).encoded()
        let input = header + [UInt8(ascii: ".")] + Base64URL.encodedBytes(payload)
        do {
            return input + [UInt8(ascii: ".")] + Base64URL.encodedBytes(try key.key.sign(input))
        } catch {
            throw .failed
        }
    }

    private static func header(_ type: String, _ keyID: String) -> TokenHeader {
        TokenHeader(alg: "ES256", typ: type, kid: keyID)
    }

    /// The size of a token around `count` bytes.
    package static func size(of count: Int, type: String, keyID: String) -> Int {
        ((try? header(type, keyID).encoded().count) ?? 0) + Base64URL.count(count) + Base64URL.count(64) + 2
    }
}

extension TokenHeader {
    init(
        alg: String, enc: String? = nil, typ: String? = nil, cty: String? = nil, kid: String? = nil,
        epk: EphemeralKey? = nil
    ) {
        (self.alg, self.enc, self.typ, self.cty, self.kid, self.epk) = (alg, enc, typ, cty, kid, epk)
    }
}
