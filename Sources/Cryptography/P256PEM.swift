import CMbedTLS

extension P256PrivateKey {
    /// PEM, not encrypted: SEC 1 `EC PRIVATE KEY` (RFC 5915).
    package var pem: SecretBytes {
        get throws(CryptographyError) {
            // version 1, the scalar, [0] the curve's name, [1] the public point: every length is fixed.
            var der: [UInt8] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20]
            defer { wipe(&der) }
            der.reserveCapacity(128)
            scalar.withBytes { der += $0 }
            der += [
                0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0xA1, 0x44, 0x03, 0x42, 0x00,
            ]
            der += [0x04] + publicKey.x + publicKey.y
            var base64 = [UInt8](repeating: 0, count: 256)
            defer { wipe(&base64) }
            var count = 0
            try check(mbedtls_base64_encode(&base64, base64.count, &count, der, der.count), .internal)
            var text = Array("-----BEGIN EC PRIVATE KEY-----\n".utf8)
            defer { wipe(&text) }
            text.reserveCapacity(512)
            for start in stride(from: 0, to: count, by: 64) {
                text += base64.prefix(count).dropFirst(start).prefix(64)
                text.append(0x0A)
            }
            text += Array("-----END EC PRIVATE KEY-----\n".utf8)
            return SecretBytes(copying: text)
        }
    }
}
