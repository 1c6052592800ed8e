import CMbedTLS

/// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags.
package enum AESGCM {
    package static let nonceCount = 12
    package static let tagCount = 16

    /// A ciphertext, and its tag apart.
    package struct Sealed: Sendable {
        package let ciphertext: [UInt8]
        package let tag: [UInt8]
    }

    /// - Parameter nonce: 12 bytes, never used twice under one key.
    package static func seal(
        _ plaintext: UnsafeRawBufferPointer, key: SecretBytes, nonce: [UInt8], associated: [UInt8]
    ) throws(CryptographyError) -> Sealed {
        var ciphertext = [UInt8](repeating: 0, count: plaintext.count)
        var tag = [UInt8](repeating: 0, count: tagCount)  // safe: a constant
        let context = try Context(key: key)
        guard nonce.count == nonceCount else { throw CryptographyError(.malformed) }
        let status = mbedtls_gcm_crypt_and_tag(
            context.gcm, MBEDTLS_GCM_ENCRYPT, plaintext.count, nonce, nonce.count, associated, associated.count,
            plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self), &ciphertext, tagCount, &tag)
        try check(status, .internal)
        return Sealed(ciphertext: ciphertext, tag: tag)
    }

    /// - Throws: `authenticationFailed` for another key, other associated data, or altered bytes.
    package static func open(
        _ ciphertext: some Sequence<UInt8>, tag: some Sequence<UInt8>, key: SecretBytes, nonce: some Sequence<UInt8>,
        associated: [UInt8]
    ) throws(CryptographyError) -> SecretBytes {
        let (ciphertext, tag, nonce) = (Array(ciphertext), Array(tag), Array(nonce))
        guard nonce.count == nonceCount, tag.count == tagCount else { throw CryptographyError(.authenticationFailed) }
        let context = try Context(key: key)
        return try SecretBytes(count: ciphertext.count) { output throws(CryptographyError) in
            let status = mbedtls_gcm_auth_decrypt(
                context.gcm, ciphertext.count, nonce, nonce.count, associated, associated.count, tag, tag.count,
                ciphertext, output.baseAddress?.assumingMemoryBound(to: UInt8.self))
            try check(status, .authenticationFailed)
        }
    }

    /// Nonce ‖ ciphertext ‖ tag under a fresh random nonce: how records lie on the disk.
    package static func sealRecord(_ plaintext: [UInt8], key: SecretBytes, associated: [UInt8])
        throws(CryptographyError) -> [UInt8]
    {
        let nonce = try SecureRandom.shared.bytes(nonceCount)
        let sealed = try plaintext.span.bytes.withUnsafeBytes { (plaintext) throws(CryptographyError) in
            try seal(plaintext, key: key, nonce: nonce, associated: associated)
        }
        return nonce + sealed.ciphertext + sealed.tag
    }

    /// - Throws: `authenticationFailed` for another key, other associated data, or altered bytes.
    package static func openRecord(_ record: [UInt8], key: SecretBytes, associated: [UInt8])
        throws(CryptographyError) -> SecretBytes
    {
        guard record.count > nonceCount + tagCount else { throw CryptographyError(.authenticationFailed) }
        let body = record.dropFirst(nonceCount)
        return try open(
            body.dropLast(tagCount), tag: body.suffix(tagCount), key: key, nonce: record.prefix(nonceCount),
            associated: associated)
    }

    /// One context an operation: its key schedule is wiped when it goes.
    private final class Context {
        let gcm: UnsafeMutablePointer<mbedtls_gcm_context>

        init(key: SecretBytes) throws(CryptographyError) {
            gcm = .allocate(capacity: 1)
            mbedtls_gcm_init(gcm)
            guard key.count == 32 else { throw CryptographyError(.malformed) }
            let gcm = gcm
            let status = key.withBytes {
                mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 256)
            }
            try check(status, .internal)
        }

        deinit {
            mbedtls_gcm_free(gcm)
            gcm.deallocate()
        }
    }
}
