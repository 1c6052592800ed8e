import CMbedTLS
import Synchronization

/// The signature algorithms that authorities sign certificates and lists with.
package enum SignatureAlgorithm: Sendable, CaseIterable {
    case rsaSHA256, rsaSHA384, rsaSHA512, ecdsaSHA256, ecdsaSHA384, ecdsaSHA512

    /// From an AlgorithmIdentifier's OBJECT IDENTIFIER contents (RFC 4055, RFC 5758); nil for any other.
    package init?(oid: [UInt8]) {
        guard let match = Self.allCases.first(where: { $0.oid == oid }) else { return nil }
        self = match
    }

    /// True of a signature algorithm whose hash can be forged: MD2, MD4, MD5 and SHA-1.
    package static func isWeak(oid: [UInt8]) -> Bool {
        // RSA with them (RFC 8017 A.2.4), ECDSA with SHA-1 (ANSI X9.62), DSA with SHA-1 (RFC 3279 2.2.2), RSA by OIW.
        let weak: [[UInt8]] =
            [0x02, 0x03, 0x04, 0x05].map { [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, $0] } + [
                [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01], [0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x03],
                [0x2B, 0x0E, 0x03, 0x02, 0x1D],
            ]
        return weak.contains(oid)
    }

    private var oid: [UInt8] {
        switch self {
        case .rsaSHA256: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]
        case .rsaSHA384: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C]
        case .rsaSHA512: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0D]
        case .ecdsaSHA256: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]
        case .ecdsaSHA384: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03]
        case .ecdsaSHA512: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04]
        }
    }

    package var digest: DigestAlgorithm {
        switch self {
        case .rsaSHA256, .ecdsaSHA256: .sha256
        case .rsaSHA384, .ecdsaSHA384: .sha384
        case .rsaSHA512, .ecdsaSHA512: .sha512
        }
    }

    package var isRSA: Bool {
        switch self {
        case .rsaSHA256, .rsaSHA384, .rsaSHA512: true
        case .ecdsaSHA256, .ecdsaSHA384, .ecdsaSHA512: false
        }
    }
}

/// A public key from a certificate: verifies what authorities signed.
package final class VerificationKey: Sendable {
    private struct Pointer: @unchecked Sendable { let pk: UnsafeMutablePointer<mbedtls_pk_context> }
    private let pointer: Mutex<Pointer>

    /// - Parameter publicKeyInfo: DER SubjectPublicKeyInfo.
    /// - Throws: `malformed`.
    package init(publicKeyInfo: [UInt8]) throws(CryptographyError) {
        let pk = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)
        mbedtls_pk_init(pk)
        pointer = Mutex(Pointer(pk: pk))
        try check(mbedtls_pk_parse_public_key(pk, publicKeyInfo, publicKeyInfo.count), .malformed)
    }

    deinit {
        pointer.withLock {
            mbedtls_pk_free($0.pk)
            $0.pk.deallocate()
        }
    }

    /// - Throws: `signatureInvalid`, also where the key is not of the algorithm's kind.
    package func verify(_ signature: [UInt8], digest: [UInt8], algorithm: SignatureAlgorithm)
        throws(CryptographyError)
    {
        let status = pointer.withLock { pointer -> Int32 in
            guard (kz_is_rsa(pointer.pk) != 0) == algorithm.isRSA, digest.count == algorithm.digest.byteCount else {
                return -1
            }
            return mbedtls_pk_verify(
                pointer.pk, algorithm.digest.type, digest, digest.count, signature, signature.count)
        }
        try check(status, .signatureInvalid)
    }
}
