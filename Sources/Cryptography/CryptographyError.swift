/// What went wrong in this room. It never holds a key, a plaintext or a digest.
package struct CryptographyError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A key or certificate that does not parse, or of a kind or size we do not take.
        case malformed
        /// The signature is not one of this key over these bytes.
        case signatureInvalid = "signature_invalid"
        /// The authentication tag does not match: another key, other associated data, or altered bytes.
        case authenticationFailed = "authentication_failed"
        /// The kernel or the generator gave no randomness.
        case noRandomness = "no_randomness"
        /// Mbed TLS failed in a way that input should not be able to cause.
        case `internal`
    }

    package let code: Code
    /// Mbed TLS's own number (negative), 0 where there is none.
    package let status: Int32

    package init(_ code: Code, status: Int32 = 0) {
        self.code = code
        self.status = status
    }

    package var description: String {
        status == 0 ? code.rawValue : "\(code.rawValue) (-0x\(String(-status, radix: 16)))"
    }
}

/// Throws `code` unless `status` is 0.
func check(_ status: Int32, _ code: CryptographyError.Code) throws(CryptographyError) {
    guard status == 0 else { throw CryptographyError(code, status: status) }
}
