import CMbedTLS
import Synchronization

/// A point of P-256 (NIST SP 800-186), checked to lie on the curve: verifies ES256 and is the other side of ECDH.
package final class P256PublicKey: Sendable, Equatable {
    /// Affine coordinates, 32 bytes each.
    package let x: [UInt8]
    package let y: [UInt8]
    private let curve: Curve

    /// - Throws: `malformed` when the point is not on the curve.
    package init(x: some Collection<UInt8>, y: some Collection<UInt8>) throws(CryptographyError) {
        guard x.count == 32, y.count == 32 else { throw CryptographyError(.malformed) }
        (self.x, self.y) = (Array(x), Array(y))
        curve = try Curve(scalar: nil, point: [0x04] + x + y)
    }

    /// Verifies `signature`, r ‖ s of 64 bytes (RFC 7515 A.3), over `message` hashed with SHA-256.
    /// - Throws: `signatureInvalid`.
    package func verify(_ signature: some Collection<UInt8>, over message: [UInt8]) throws(CryptographyError) {
        guard signature.count == 64 else { throw CryptographyError(.signatureInvalid) }
        try curve.verify(Array(signature), digest: sha256(message))
    }

    package static func == (left: P256PublicKey, right: P256PublicKey) -> Bool {
        left.x == right.x && left.y == right.y
    }

    var uncompressed: [UInt8] { [0x04] + x + y }
}

/// A private key of P-256. Its context is kept: the group's table halves the time of a signature.
package final class P256PrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let publicKey: P256PublicKey
    private let curve: Curve

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
        curve = try Curve(scalar: scalar, point: nil)
        let point = try curve.publicPoint()
        publicKey = try P256PublicKey(x: point[1..<33], y: point[33..<65])
    }

    /// From PEM: SEC1 (`EC PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`), not encrypted.
    package convenience init(pem: [UInt8]) throws(CryptographyError) {
        let pk = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)
        mbedtls_pk_init(pk)
        defer {
            mbedtls_pk_free(pk)
            pk.deallocate()
        }
        // Mbed TLS tells PEM by the zero at its end.
        let text = SecretBytes(copying: pem + [0])
        let status = text.withBytes {
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
        try curve.sign(digest: sha256(message))
    }

    /// The x coordinate of the shared point (SP 800-56A, 5.7.1.2), 32 bytes.
    package func sharedSecret(with peer: P256PublicKey) throws(CryptographyError) -> SecretBytes {
        try curve.sharedSecret(with: peer.uncompressed)
    }

    /// The private scalar, for storing a key that was made here.
    package func exportScalar() throws(CryptographyError) -> SecretBytes { try curve.exportScalar() }

    package var description: String { "[secret]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Mbed TLS's group, scalar and point behind a lock: its contexts are not safe to share between threads.
private final class Curve: Sendable {
    private struct Contexts: @unchecked Sendable {
        let group = UnsafeMutablePointer<mbedtls_ecp_group>.allocate(capacity: 1)
        let scalar = UnsafeMutablePointer<mbedtls_mpi>.allocate(capacity: 1)
        let point = UnsafeMutablePointer<mbedtls_ecp_point>.allocate(capacity: 1)
    }
    private let contexts: Mutex<Contexts>

    init(scalar: SecretBytes?, point: [UInt8]?) throws(CryptographyError) {
        let made = Contexts()
        mbedtls_ecp_group_init(made.group)
        mbedtls_mpi_init(made.scalar)
        mbedtls_ecp_point_init(made.point)
        contexts = Mutex(made)
        try check(mbedtls_ecp_group_load(made.group, MBEDTLS_ECP_DP_SECP256R1), .internal)
        if let scalar {
            guard scalar.count == 32 else { throw CryptographyError(.malformed) }
            let status = scalar.withBytes {
                mbedtls_mpi_read_binary(made.scalar, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
            }
            try check(status, .internal)
            try check(mbedtls_ecp_check_privkey(made.group, made.scalar), .malformed)
            try check(
                mbedtls_ecp_mul(made.group, made.point, made.scalar, kz_generator(made.group), randomSource, nil),
                .internal)
        }
        if let point {
            try check(mbedtls_ecp_point_read_binary(made.group, made.point, point, point.count), .malformed)
            try check(mbedtls_ecp_check_pubkey(made.group, made.point), .malformed)
        }
    }

    deinit {
        contexts.withLock { contexts in
            mbedtls_ecp_group_free(contexts.group)
            mbedtls_mpi_free(contexts.scalar)
            mbedtls_ecp_point_free(contexts.point)
            contexts.group.deallocate()
            contexts.scalar.deallocate()
            contexts.point.deallocate()
        }
    }

    func publicPoint() throws(CryptographyError) -> [UInt8] {
        var point = [UInt8](repeating: 0, count: 65)
        var count = 0
        let status = contexts.withLock {
            mbedtls_ecp_point_write_binary(
                $0.group, $0.point, MBEDTLS_ECP_PF_UNCOMPRESSED, &count, &point, point.count)
        }
        try check(status, .internal)
        return point
    }

    func exportScalar() throws(CryptographyError) -> SecretBytes {
        try SecretBytes(count: 32) { output throws(CryptographyError) in
            let status = contexts.withLock {
                mbedtls_mpi_write_binary($0.scalar, output.baseAddress?.assumingMemoryBound(to: UInt8.self), 32)
            }
            try check(status, .internal)
        }
    }

    func sign(digest: [UInt8]) throws(CryptographyError) -> [UInt8] {
        var (r, s) = (mbedtls_mpi(), mbedtls_mpi())
        mbedtls_mpi_init(&r)
        mbedtls_mpi_init(&s)
        defer {
            mbedtls_mpi_free(&r)
            mbedtls_mpi_free(&s)
        }
        var signature = [UInt8](repeating: 0, count: 64)
        try check(
            contexts.withLock {
                mbedtls_ecdsa_sign($0.group, &r, &s, $0.scalar, digest, digest.count, randomSource, nil)
            }, .internal)
        let status = signature.withUnsafeMutableBufferPointer { buffer in
            let first = mbedtls_mpi_write_binary(&r, buffer.baseAddress, 32)
            return first != 0 ? first : mbedtls_mpi_write_binary(&s, buffer.baseAddress?.advanced(by: 32), 32)
        }
        try check(status, .internal)
        return signature
    }

    func verify(_ signature: [UInt8], digest: [UInt8]) throws(CryptographyError) {
        var (r, s) = (mbedtls_mpi(), mbedtls_mpi())
        mbedtls_mpi_init(&r)
        mbedtls_mpi_init(&s)
        defer {
            mbedtls_mpi_free(&r)
            mbedtls_mpi_free(&s)
        }
        try signature.withUnsafeBufferPointer { buffer throws(CryptographyError) in
            try check(mbedtls_mpi_read_binary(&r, buffer.baseAddress, 32), .internal)
            try check(mbedtls_mpi_read_binary(&s, buffer.baseAddress?.advanced(by: 32), 32), .internal)
        }
        let status = contexts.withLock {
            mbedtls_ecdsa_verify($0.group, digest, digest.count, $0.point, &r, &s)
        }
        try check(status, .signatureInvalid)
    }

    func sharedSecret(with peer: [UInt8]) throws(CryptographyError) -> SecretBytes {
        var point = mbedtls_ecp_point()
        var shared = mbedtls_mpi()
        mbedtls_ecp_point_init(&point)
        mbedtls_mpi_init(&shared)
        defer {
            mbedtls_ecp_point_free(&point)
            mbedtls_mpi_free(&shared)
        }
        let status = contexts.withLock { contexts in
            let read = mbedtls_ecp_point_read_binary(contexts.group, &point, peer, peer.count)
            return read != 0
                ? read
                : mbedtls_ecdh_compute_shared(contexts.group, &shared, &point, contexts.scalar, randomSource, nil)
        }
        try check(status, .malformed)
        return try SecretBytes(count: 32) { output throws(CryptographyError) in
            try check(
                mbedtls_mpi_write_binary(&shared, output.baseAddress?.assumingMemoryBound(to: UInt8.self), 32),
                .internal)
        }
    }
}
