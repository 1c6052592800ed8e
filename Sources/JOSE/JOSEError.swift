/// What is wrong with a token or a key. Nothing of a token's contents is in it.
package enum JOSEError: String, Error, Equatable, Sendable {
    /// Not a compact JWS or JWE, not JSON, or a member of the wrong type.
    case malformed
    /// `alg` or `enc` is not the configured one, or the header has a member that the profile does not know.
    case unexpectedHeader
    /// The signature does not verify.
    case signature
    /// Another key, or altered bytes.
    case decryption
    /// The key is not one that the profile takes, or a private one where a public one belongs.
    case unsuitableKey
    /// None of the keys is of the kind and for the use that is wanted.
    case noFittingKey
    /// Mbed TLS could not do its part (no randomness).
    case failed
    /// A prepared agreement was asked for twice.
    case spent
}
