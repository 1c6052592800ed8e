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

extension CryptographyError {
    /// What of a certificate is not as it should be, by the part that Mbed TLS could not read (RFC 5280 4.1).
    package var certificateRule: String {
        // Its high-level codes are multiples of 0x80; what is below is the ASN.1 reader's.
        switch -status & ~0x7F {
        case 0x2200, 0x2580: "its version is none (4.1.2.1)"
        case 0x2280: "its serial number is none (4.1.2.2)"
        case 0x2300, 0x2600: "its signature algorithm is not known (4.1.2.3)"
        case 0x2680: "its two signature algorithms differ (4.1.1.2)"
        case 0x2380: "a name in it is none (4.1.2.4)"
        case 0x2400: "its validity is none (4.1.2.5)"
        case 0x2480: "its signature is none (4.1.1.3)"
        case 0x2500: "an extension of it is not as it should be (4.2)"
        case 0x3A00, 0x3A80, 0x3B00, 0x3C80, 0x3D00: "its public key is of no kind that is taken (4.1.2.7)"
        default: "it is not one DER object of that form (4.1)"
        }
    }
}

/// Throws `code` unless `status` is 0.
func check(_ status: Int32, _ code: CryptographyError.Code) throws(CryptographyError) {
    guard status == 0 else { throw CryptographyError(code, status: status) }
}
