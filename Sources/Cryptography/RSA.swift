import CMbedTLS
import Synchronization

/// An RSA public key of 2048 to 4096 bits: PKCS#1 v1.5 with SHA-256, the one signature of cards (RFC 8017, 8.2).
package final class RSAPublicKey: Sendable, Equatable {
    /// Big-endian, without leading zeros.
    package let modulus: [UInt8]
    package let exponent: [UInt8]
    private let context: RSAContext

    /// - Throws: `malformed` when the modulus has another size or the exponent is even or 1.
    package init(modulus: some Collection<UInt8>, exponent: some Collection<UInt8>) throws(CryptographyError) {
        let modulus = Array(modulus.drop { $0 == 0 })
        let exponent = Array(exponent.drop { $0 == 0 })
        guard (256...512).contains(modulus.count), let top = modulus.first, modulus.count > 256 || top & 0x80 != 0,
            (1...8).contains(exponent.count), let last = exponent.last, last & 1 == 1, exponent != [1]
        else { throw CryptographyError(.malformed) }
        (self.modulus, self.exponent) = (modulus, exponent)
        context = RSAContext()
        try context.use { rsa throws(CryptographyError) in
            try check(
                mbedtls_rsa_import_raw(
                    rsa, modulus, modulus.count, nil, 0, nil, 0, nil, 0, exponent, exponent.count), .malformed)
            try check(mbedtls_rsa_complete(rsa), .malformed)
            try check(mbedtls_rsa_check_pubkey(rsa), .malformed)
        }
    }

    /// Verifies a PKCS#1 v1.5 SHA-256 signature over `message`.
    /// - Throws: `signatureInvalid`.
    package func verify(_ signature: some Collection<UInt8>, over message: some Sequence<UInt8>)
        throws(CryptographyError)
    {
        let signature = Array(signature)
        guard signature.count == modulus.count else { throw CryptographyError(.signatureInvalid) }
        let digest = sha256(message)
        try context.use { rsa throws(CryptographyError) in
            try check(kz_rsa_pkcs1_verify_sha256(rsa, digest, signature), .signatureInvalid)
        }
    }

    package static func == (left: RSAPublicKey, right: RSAPublicKey) -> Bool {
        left.modulus == right.modulus && left.exponent == right.exponent
    }
}

/// An RSA private key. The appliance holds none: the laboratory's cards and authorities do.
package final class RSAPrivateKey: Sendable, CustomStringConvertible {
    package let publicKey: RSAPublicKey
    private let context: RSAContext

    /// From PKCS#1 or PKCS#8, in DER or PEM.
    package init(encoded: [UInt8]) throws(CryptographyError) {
        let pk = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)
        mbedtls_pk_init(pk)
        defer {
            mbedtls_pk_free(pk)
            pk.deallocate()
        }
        let der =
            PEMStream.isDER(encoded) == true
            ? SecretBytes(copying: encoded)
            : try privateKeyDER(in: encoded, labels: ["RSA PRIVATE KEY", "PRIVATE KEY"])
        let status = der.withBytes {
            kz_pk_parse_key(pk, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count, randomSource, nil)
        }
        try check(status, .malformed)
        guard kz_is_rsa(pk) != 0, let parsed = mbedtls_pk_rsa(pk.pointee) else { throw CryptographyError(.malformed) }
        let context = RSAContext()
        try context.use { rsa throws(CryptographyError) in try check(mbedtls_rsa_copy(rsa, parsed), .internal) }
        self.context = context
        publicKey = try context.publicKey()
    }

    package init(bits: Int = 2048) throws(CryptographyError) {
        let context = RSAContext()
        try context.use { rsa throws(CryptographyError) in
            try check(mbedtls_rsa_gen_key(rsa, randomSource, nil, UInt32(truncatingIfNeeded: bits), 65_537), .internal)
        }
        self.context = context
        publicKey = try context.publicKey()
    }

    /// PKCS#1 v1.5 with SHA-256.
    package func sign(_ message: some Sequence<UInt8>) throws(CryptographyError) -> [UInt8] {
        try signPadded(digestInfo(ofSHA256: sha256(message)))
    }

    /// PKCS#1 v1.5 type 1 padding around `data` as it is, at most 245 bytes.
    package func signPadded(_ data: [UInt8]) throws(CryptographyError) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: publicKey.modulus.count)
        try context.use { rsa throws(CryptographyError) in
            try check(
                kz_rsa_pkcs1_sign_raw(rsa, randomSource, nil, UInt32(truncatingIfNeeded: data.count), data, &signature),
                .malformed)
        }
        return signature
    }

    /// RSASSA-PSS with SHA-256 and a random salt.
    package func signPSS(digest: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard digest.count == 32 else { throw CryptographyError(.malformed) }
        var signature = [UInt8](repeating: 0, count: publicKey.modulus.count)
        try context.use { rsa throws(CryptographyError) in
            try check(kz_rsa_pss_sign_sha256(rsa, randomSource, nil, digest, &signature), .internal)
        }
        return signature
    }

    /// PKCS#1 in DER, for a test card's profile.
    package func derEncoded() throws(CryptographyError) -> [UInt8] {
        let pk = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)
        mbedtls_pk_init(pk)
        defer {
            mbedtls_pk_free(pk)
            pk.deallocate()
        }
        try check(mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), .internal)
        guard let copy = mbedtls_pk_rsa(pk.pointee) else { throw CryptographyError(.internal) }
        try context.use { rsa throws(CryptographyError) in try check(mbedtls_rsa_copy(copy, rsa), .internal) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = mbedtls_pk_write_key_der(pk, &buffer, buffer.count)
        guard count > 0 else { throw CryptographyError(.internal, status: count) }
        // Mbed TLS writes at the end of the buffer.
        return Array(buffer.suffix(Int(truncatingIfNeeded: count)))
    }

    package var description: String { "[secret]" }
}

private final class RSAContext: Sendable {
    private struct Pointer: @unchecked Sendable { let rsa: UnsafeMutablePointer<mbedtls_rsa_context> }
    private let pointer: Mutex<Pointer>

    init() {
        let rsa = UnsafeMutablePointer<mbedtls_rsa_context>.allocate(capacity: 1)
        kz_rsa_init(rsa)
        pointer = Mutex(Pointer(rsa: rsa))
    }

    deinit {
        pointer.withLock {
            mbedtls_rsa_free($0.rsa)
            $0.rsa.deallocate()
        }
    }

    func use(_ body: (UnsafeMutablePointer<mbedtls_rsa_context>) throws(CryptographyError) -> Void)
        throws(CryptographyError)
    {
        let result = pointer.withLock { pointer -> Result<Void, CryptographyError> in
            do throws(CryptographyError) {
                try body(pointer.rsa)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    func publicKey() throws(CryptographyError) -> RSAPublicKey {
        var modulus = [UInt8](repeating: 0, count: 512)
        var exponent = [UInt8](repeating: 0, count: 8)
        try use { rsa throws(CryptographyError) in
            try check(
                mbedtls_rsa_export_raw(rsa, &modulus, 512, nil, 0, nil, 0, nil, 0, &exponent, 8), .malformed)
        }
        return try RSAPublicKey(modulus: modulus, exponent: exponent)
    }
}
