import CMbedTLS

/// The digests of the signatures we verify.
package enum DigestAlgorithm: Sendable {
    case sha256, sha384, sha512

    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    var type: mbedtls_md_type_t {
        switch self {
        case .sha256: MBEDTLS_MD_SHA256
        case .sha384: MBEDTLS_MD_SHA384
        case .sha512: MBEDTLS_MD_SHA512
        }
    }

    var info: OpaquePointer? { mbedtls_md_info_from_type(type) }

    package func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let contiguous: [UInt8]? = bytes.withContiguousStorageIfAvailable { hash(UnsafeRawBufferPointer($0)) }
        return contiguous ?? Array(bytes).withUnsafeBytes { hash($0) }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)  // safe: by the algorithm
        let status = mbedtls_md(info, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &digest)
        // The digests are built into the library and take any input: a failure is a broken installation.
        // safe: no input decides it
        precondition(status == 0, "Mbed TLS lacks SHA-2")
        return digest
    }
}

/// SHA-256 of bytes that lie together.
package func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] { DigestAlgorithm.sha256.hash(bytes) }

/// DigestInfo around a SHA-256 digest (RFC 8017 9.2, note 1): 51 bytes, what PKCS#1 v1.5 pads and signs.
package func digestInfo(ofSHA256 digest: [UInt8]) -> [UInt8] {
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]
        + digest
}

/// HMAC-SHA-256 (RFC 2104) under a secret key.
package func hmacSHA256(_ bytes: some Sequence<UInt8>, key: SecretBytes) -> [UInt8] {
    var tag = [UInt8](repeating: 0, count: 32)
    let input = Array(bytes)
    let status = key.withBytes { key in
        mbedtls_md_hmac(
            DigestAlgorithm.sha256.info, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count, input,
            input.count, &tag)
    }
    // safe: no input decides it
    precondition(status == 0, "Mbed TLS lacks HMAC")
    return tag
}

/// HKDF-SHA-256 without a salt (RFC 5869): one secret, keys derived apart by `purpose`.
package func derivedKey(from secret: SecretBytes, purpose: String, count: Int = 32) throws(CryptographyError)
    -> SecretBytes
{
    try SecretBytes(count: count) { output throws(CryptographyError) in
        let info = Array(purpose.utf8)
        let status = secret.withBytes { secret in
            mbedtls_hkdf(
                DigestAlgorithm.sha256.info, nil, 0, secret.baseAddress?.assumingMemoryBound(to: UInt8.self),
                secret.count, info, info.count, output.baseAddress?.assumingMemoryBound(to: UInt8.self), output.count)
        }
        try check(status, .internal)
    }
}
