package import Cryptography
internal import FoundationEssentials

/// A P-256 public key with the name by which tokens call it (RFC 7517).
package struct PublicJWK: Sendable, Equatable {
    package let key: P256PublicKey
    /// The JWK's own `kid`, else its thumbprint.
    package let keyID: String

    package init(key: P256PublicKey, keyID: String? = nil) {
        self.key = key
        self.keyID = keyID ?? Self.thumbprint(of: key)
    }

    /// RFC 7638: SHA-256 over the required members in lexicographic order.
    package static func thumbprint(of key: P256PublicKey) -> String {
        let text =
            #"{"crv":"P-256","kty":"EC","x":"\#(Base64URL.encode(key.x))","y":"\#(Base64URL.encode(key.y))"}"#
        return Base64URL.encode(sha256(Array(text.utf8)))
    }

    private struct Members: Codable {
        var kty: String
        var crv: String
        var x: String
        var y: String
        var kid: String?
        var use: String?
        var alg: String?
        /// A private key where a public one belongs is refused: it was handed to the wrong hands.
        var d: String?
    }

    private struct KeySet: Decodable { let keys: [Members] }

    private init(_ members: Members) throws(JOSEError) {
        guard members.kty == "EC", members.crv == "P-256", members.d == nil else { throw .unsuitableKey }
        do {
            let key = try P256PublicKey(
                x: Base64URL.decode(members.x.utf8), y: Base64URL.decode(members.y.utf8))
            self.init(key: key, keyID: members.kid)
        } catch let error as JOSEError {
            throw error
        } catch {
            throw .unsuitableKey
        }
    }

    /// One JWK, or the keys of a JWK Set.
    /// - Throws: `malformed`, `unsuitableKey`.
    package static func parse(_ json: [UInt8]) throws(JOSEError) -> [PublicJWK] {
        let data = Data(json)
        let decoder = JSONDecoder()
        let members: [Members]
        if let set = try? decoder.decode(KeySet.self, from: data) {
            members = set.keys
        } else if let one = try? decoder.decode(Members.self, from: data) {
            members = [one]
        } else {
            throw .malformed
        }
        guard !members.isEmpty else { throw .malformed }
        return try members.map { (members) throws(JOSEError) in try PublicJWK(members) }
    }

    package var json: String {
        #"{"kty":"EC","crv":"P-256","x":"\#(Base64URL.encode(key.x))","y":"\#(Base64URL.encode(key.y))","kid":"\#(keyID)"}"#
    }
}

/// A signing key with its name: what a kiosk holds.
package struct SigningKey: Sendable {
    package let key: P256PrivateKey
    package let keyID: String

    package init(_ key: P256PrivateKey, keyID: String? = nil) {
        self.key = key
        self.keyID = keyID ?? PublicJWK.thumbprint(of: key.publicKey)
    }

    package var publicJWK: PublicJWK { PublicJWK(key: key.publicKey, keyID: keyID) }

    /// The private key as a JWK: a secret text.
    package var secretJSON: String {
        publicJWK.json.dropLast() + #","d":"\#(key.scalar.withBytes { Base64URL.encode($0) })"}"#
    }
}
