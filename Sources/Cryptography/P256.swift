import CMbedTLS

/// A point of P-256 (NIST SP 800-186), checked to lie on the curve: verifies ES256 and is the other side of ECDH.
package struct P256PublicKey: Sendable, Equatable {
    /// Affine coordinates, 32 bytes each.
    package let x: [UInt8]
    package let y: [UInt8]

    /// - Throws: `malformed` when the point is not on the curve.
    package init(x: some Collection<UInt8>, y: some Collection<UInt8>) throws(CryptographyError) {
        guard x.count == 32, y.count == 32 else { throw CryptographyError(.malformed) }
        (self.x, self.y) = (Array(x), Array(y))
        try P256Group.use { (group) throws(CryptographyError) in
            try group.withPoint([0x04] + x + y) { (point) throws(CryptographyError) in
                try check(mbedtls_ecp_check_pubkey(group.pointer, point), .malformed)
            }
        }
    }

    /// A point that we computed.
    fileprivate init(uncompressed point: [UInt8]) {
        (x, y) = (Array(point.dropFirst().prefix(32)), Array(point.suffix(32)))
    }

    /// Verifies `signature`, r ‖ s of 64 bytes (RFC 7515 A.3), over `message` hashed with SHA-256.
    /// - Throws: `signatureInvalid`.
    package func verify(_ signature: some Collection<UInt8>, over message: [UInt8]) throws(CryptographyError) {
        guard signature.count == 64 else { throw CryptographyError(.signatureInvalid) }
        let digest = sha256(message)
        try P256Group.use { (group) throws(CryptographyError) in
            try group.withNumber(signature.prefix(32)) { (r) throws(CryptographyError) in
                try group.withNumber(signature.dropFirst(32)) { (s) throws(CryptographyError) in
                    try group.withPoint([0x04] + x + y) { (point) throws(CryptographyError) in
                        try check(
                            mbedtls_ecdsa_verify(group.pointer, digest, digest.count, point, r, s), .signatureInvalid)
                    }
                }
            }
        }
    }
}

/// A private key of P-256.
package final class P256PrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let publicKey: P256PublicKey
    /// 32 bytes, for storing a key that was made here.
    package let scalar: SecretBytes

    /// A fresh key.
    /// - Throws: `noRandomness`.
    package static func generate() throws(CryptographyError) -> P256PrivateKey {
        // A candidate of 256 random bits is out of range with a chance of about 2^-32: try again then.
        while true {
            let scalar = try SecureRandom.shared.secret(32)
            do {
                return try P256PrivateKey(scalar: scalar)
            } catch  where error.code == .malformed {
                continue
            }
        }
    }

    /// - Parameter scalar: 32 bytes, 1 ≤ d < n.
    package init(scalar: SecretBytes) throws(CryptographyError) {
        guard scalar.count == 32 else { throw CryptographyError(.malformed) }
        self.scalar = scalar
        publicKey = try P256Group.use { (group) throws(CryptographyError) in
            try group.withNumber(scalar) { (d) throws(CryptographyError) in
                try check(mbedtls_ecp_check_privkey(group.pointer, d), .malformed)
                return P256PublicKey(uncompressed: try group.timesGenerator(d))
            }
        }
    }

    /// From PEM: SEC1 (`EC PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`), not encrypted.
    package convenience init(pem: [UInt8]) throws(CryptographyError) {
        let pk = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)
        mbedtls_pk_init(pk)
        defer {
            mbedtls_pk_free(pk)
            pk.deallocate()
        }
        let der = try privateKeyDER(in: pem, labels: ["EC PRIVATE KEY", "PRIVATE KEY"])
        let status = der.withBytes {
            kz_pk_parse_key(pk, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count, randomSource, nil)
        }
        try check(status, .malformed)
        let scalar = try SecretBytes(count: 32) { output throws(CryptographyError) in
            try check(kz_pk_export_p256(pk, output.baseAddress?.assumingMemoryBound(to: UInt8.self)), .malformed)
        }
        try self.init(scalar: scalar)
    }

    /// ES256: r ‖ s, 64 bytes, over `message` hashed with SHA-256.
    package func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let digest = sha256(message)
        return try P256Group.use { (group) throws(CryptographyError) in
            try group.withNumber(scalar) { (d) throws(CryptographyError) in
                try group.withNumber([]) { (r) throws(CryptographyError) in
                    try group.withNumber([]) { (s) throws(CryptographyError) in
                        try check(
                            mbedtls_ecdsa_sign(
                                group.pointer, r, s, d, digest, digest.count, randomSource, nil), .internal)
                        return try P256Group.bytes(r) + P256Group.bytes(s)
                    }
                }
            }
        }
    }

    /// The x coordinate of the shared point (SP 800-56A, 5.7.1.2), 32 bytes.
    package func sharedSecret(with peer: P256PublicKey) throws(CryptographyError) -> SecretBytes {
        try P256Group.use { (group) throws(CryptographyError) in
            try group.withNumber(scalar) { (d) throws(CryptographyError) in
                try group.withNumber([]) { (shared) throws(CryptographyError) in
                    try group.withPoint([0x04] + peer.x + peer.y) { (point) throws(CryptographyError) in
                        try check(
                            mbedtls_ecdh_compute_shared(group.pointer, shared, point, d, randomSource, nil), .malformed)
                        return try SecretBytes(count: 32) { output throws(CryptographyError) in
                            let out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                            try check(mbedtls_mpi_write_binary(shared, out, 32), .internal)
                        }
                    }
                }
            }
        }
    }

    package var description: String { "[secret]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
