package import Cryptography
internal import FoundationEssentials

/// A key of 256 bits that one kiosk and one library hold (RFC 7517, `kty: oct`).
package struct SharedKey: Sendable, CustomStringConvertible, CustomReflectable {
    let secret: SecretBytes
    /// The JWK's own `kid`, else its thumbprint.
    package let keyID: String

    /// - Parameter secret: 32 bytes.
    /// - Throws: `unsuitableKey` for another length.
    package init(_ secret: SecretBytes, keyID: String? = nil) throws(JOSEError) {
        guard secret.count == 32 else { throw .unsuitableKey }
        self.secret = secret
        self.keyID = keyID ?? Self.thumbprint(of: secret)
    }

    /// A fresh key.
    /// - Throws: `failed` without randomness.
    package static func generate() throws(JOSEError) -> SharedKey {
        guard let secret = try? SecureRandom.shared.secret(32) else { throw .failed }
        return try SharedKey(secret)
    }

    /// RFC 7638: SHA-256 over the required members in lexicographic order. It tells nothing about 256 random bits.
    private static func thumbprint(of secret: SecretBytes) -> String {
        var text = Array(#"{"k":"\#(secret.withBytes { Base64URL.encode($0) })","kty":"oct"}"#.utf8)
        defer { wipe(&text) }
        return Base64URL.encode(sha256(text))
    }

    /// - Throws: `malformed`, or `unsuitableKey`: of another kind, or not of 32 bytes.
    package static func parse(_ json: [UInt8]) throws(JOSEError) -> SharedKey {
        struct Members: Decodable {
            let kty: String
            let k: String?
            let kid: String?
        }
        guard let members = try? JSONDecoder().decode(Members.self, from: Data(json)) else { throw .malformed }
        guard members.kty == "oct", let text = members.k else { throw .unsuitableKey }
        var bytes = try Base64URL.decode(text.utf8)
        defer { wipe(&bytes) }
        return try SharedKey(SecretBytes(copying: bytes), keyID: members.kid)
    }

    /// The key itself as a JWK: a secret text, for the file that both sides hold.
    package var secretJSON: String {
        #"{"kty":"oct","k":"\#(secret.withBytes { Base64URL.encode($0) })","kid":"\#(keyID)"}"#
    }

    package var description: String { "[secret]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
