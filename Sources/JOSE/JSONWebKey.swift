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

    /// What a key is wanted for, and what a JWK must not contradict (RFC 7517 4.2 to 4.4).
    package enum Purpose: Sendable {
        /// Tokens are sealed for it: ECDH-ES.
        case sealing
        /// Signatures are verified with it: ES256.
        case verifying

        fileprivate var use: String { self == .sealing ? "enc" : "sig" }
        fileprivate var operations: Set<String> { self == .sealing ? ["deriveKey", "deriveBits"] : ["verify"] }
        fileprivate func takes(algorithm: String) -> Bool {
            self == .sealing ? algorithm.hasPrefix("ECDH-ES") : algorithm == "ES256"
        }
    }

    /// More than a set of keys needs.
    private static let mostBytes = 64 * 1_024

    /// The fitting keys of a JWK, or of a JWK Set in its order. Keys of a set that are of another kind, for another use or
    /// not whole are ignored (RFC 7517 section 5).
    /// - Parameter purpose: nil: whatever they are for.
    /// - Throws: `malformed`; `unsuitableKey`: a private key is among them; `noFittingKey`.
    package static func parse(_ json: [UInt8], for purpose: Purpose? = nil) throws(JOSEError) -> [PublicJWK] {
        guard json.count <= mostBytes,
            let text = try? JSONDecoder().decode(JWKText.self, from: Data(json))
        else { throw .malformed }
        // Whose private key this is does not matter: it was handed to the wrong hands.
        guard !text.keys.contains(where: \.isPrivate) else { throw .unsuitableKey }
        let keys = text.keys.compactMap { $0.publicKey(for: purpose) }
        guard !keys.isEmpty else { throw .noFittingKey }
        return keys
    }

    package var json: String {
        #"{"kty":"EC","crv":"P-256","x":"\#(Base64URL.encode(key.x))","y":"\#(Base64URL.encode(key.y))","kid":"\#(keyID)"}"#
    }
}

/// A JWK, or a JWK Set's keys, as they are written.
private struct JWKText: Decodable {
    let keys: [Key]

    private enum Names: CodingKey { case keys }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Names.self)
        keys = container.contains(.keys) ? try container.decode([Key].self, forKey: .keys) : [try Key(from: decoder)]
    }

    /// A key of any kind: a member that is missing, or of another type, is nil.
    struct Key: Decodable {
        private let members: Members?
        let isPrivate: Bool

        private struct Members: Decodable {
            let kty, crv, x, y: String
            let kid, use, alg: String?
            let key_ops: [String]?
        }
        private enum Names: CodingKey { case d }

        init(from decoder: any Decoder) throws {
            isPrivate = try decoder.container(keyedBy: Names.self).contains(.d)
            members = try? Members(from: decoder)
        }

        /// Nil: of another kind, or for another purpose.
        func publicKey(for purpose: PublicJWK.Purpose?) -> PublicJWK? {
            guard let members, members.kty == "EC", members.crv == "P-256",
                let x = try? Base64URL.decode(members.x.utf8), let y = try? Base64URL.decode(members.y.utf8),
                let key = try? P256PublicKey(x: x, y: y)
            else { return nil }
            if let purpose {
                // The Web Cryptography API writes an empty list for every public key of ECDH: it says nothing.
                let operations = members.key_ops ?? []
                guard members.use.map({ $0 == purpose.use }) ?? true,
                    operations.isEmpty || !purpose.operations.isDisjoint(with: operations),
                    members.alg.map(purpose.takes) ?? true
                else { return nil }
            }
            return PublicJWK(key: key, keyID: members.kid)
        }
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
