import CMbedTLS
import Synchronization

/// The group P-256 of Mbed TLS with its table of multiples of the generator. Making that table costs as much as a
/// signature, and a group is not safe to share between threads: a few are kept warm, each is used by one at a time.
struct P256Group {
    let pointer: UnsafeMutablePointer<mbedtls_ecp_group>

    private struct Pool: @unchecked Sendable { var idle: [P256Group] = [] }
    private static let pool = Mutex(Pool())
    /// More than this many work at once on no machine that this is for.
    private static let mostIdle = 8

    /// Runs `body` with a group that nobody else uses meanwhile.
    static func use<Value>(_ body: (P256Group) throws(CryptographyError) -> Value) throws(CryptographyError) -> Value {
        let group: P256Group
        if let idle = pool.withLock({ $0.idle.popLast() }) {
            group = idle
        } else {
            group = try P256Group()
        }
        defer {
            let isKept = pool.withLock { pool in
                guard pool.idle.count < mostIdle else { return false }
                pool.idle.append(group)
                return true
            }
            if !isKept { group.free() }
        }
        return try body(group)
    }

    private init() throws(CryptographyError) {
        pointer = .allocate(capacity: 1)
        mbedtls_ecp_group_init(pointer)
        let status = mbedtls_ecp_group_load(pointer, MBEDTLS_ECP_DP_SECP256R1)
        guard status == 0 else {
            free()
            throw CryptographyError(.internal, status: status)
        }
    }

    private func free() {
        mbedtls_ecp_group_free(pointer)
        pointer.deallocate()
    }

    /// A point in the form 04 ‖ x ‖ y, not checked to lie on the curve; wiped after.
    func withPoint<Value>(
        _ uncompressed: [UInt8], _ body: (UnsafeMutablePointer<mbedtls_ecp_point>) throws(CryptographyError) -> Value
    ) throws(CryptographyError) -> Value {
        let point = UnsafeMutablePointer<mbedtls_ecp_point>.allocate(capacity: 1)
        mbedtls_ecp_point_init(point)
        defer {
            mbedtls_ecp_point_free(point)
            point.deallocate()
        }
        if !uncompressed.isEmpty {
            try check(
                mbedtls_ecp_point_read_binary(pointer, point, uncompressed, uncompressed.count), .malformed)
        }
        return try body(point)
    }

    /// A number read from big-endian bytes; wiped after.
    func withNumber<Value>(
        _ bytes: some Collection<UInt8>, _ body: (UnsafeMutablePointer<mbedtls_mpi>) throws(CryptographyError) -> Value
    ) throws(CryptographyError) -> Value {
        let array = Array(bytes)
        return try withNumber(array, array.count, body)
    }

    func withNumber<Value>(
        _ secret: SecretBytes, _ body: (UnsafeMutablePointer<mbedtls_mpi>) throws(CryptographyError) -> Value
    ) throws(CryptographyError) -> Value {
        try secret.withBytes { (bytes) throws(CryptographyError) in
            try withNumber(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, body)
        }
    }

    private func withNumber<Value>(
        _ bytes: UnsafePointer<UInt8>?, _ count: Int,
        _ body: (UnsafeMutablePointer<mbedtls_mpi>) throws(CryptographyError) -> Value
    ) throws(CryptographyError) -> Value {
        let number = UnsafeMutablePointer<mbedtls_mpi>.allocate(capacity: 1)
        mbedtls_mpi_init(number)
        defer {
            mbedtls_mpi_free(number)
            number.deallocate()
        }
        if count > 0 { try check(mbedtls_mpi_read_binary(number, bytes, count), .internal) }
        return try body(number)
    }

    /// `scalar` times the generator, in the form 04 ‖ x ‖ y.
    func timesGenerator(_ scalar: UnsafeMutablePointer<mbedtls_mpi>) throws(CryptographyError) -> [UInt8] {
        try withPoint([]) { (point) throws(CryptographyError) in
            try check(
                mbedtls_ecp_mul(pointer, point, scalar, kz_generator(pointer), randomSource, nil), .internal)
            var bytes = [UInt8](repeating: 0, count: 65)
            var count = 0
            try check(
                mbedtls_ecp_point_write_binary(
                    pointer, point, MBEDTLS_ECP_PF_UNCOMPRESSED, &count, &bytes, bytes.count), .internal)
            return bytes
        }
    }

    /// 32 bytes, big-endian.
    static func bytes(_ number: UnsafeMutablePointer<mbedtls_mpi>) throws(CryptographyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        try check(mbedtls_mpi_write_binary(number, &bytes, bytes.count), .internal)
        return bytes
    }
}
