import CMbedTLS
import Synchronization

/// Mbed TLS's CTR_DRBG, seeded from the kernel once a process and reseeded by itself.
package final class SecureRandom: Sendable {
    package static let shared = SecureRandom()

    private struct State: @unchecked Sendable {
        let drbg: UnsafeMutablePointer<mbedtls_ctr_drbg_context>
        let entropy: UnsafeMutablePointer<mbedtls_entropy_context>
        let seeded: Int32
    }
    private let state: Mutex<State>

    private init() {
        let drbg = UnsafeMutablePointer<mbedtls_ctr_drbg_context>.allocate(capacity: 1)
        let entropy = UnsafeMutablePointer<mbedtls_entropy_context>.allocate(capacity: 1)
        mbedtls_ctr_drbg_init(drbg)
        mbedtls_entropy_init(entropy)
        var seeded = kz_start()
        if seeded == 0 { seeded = mbedtls_ctr_drbg_seed(drbg, mbedtls_entropy_func, entropy, nil, 0) }
        state = Mutex(State(drbg: drbg, entropy: entropy, seeded: seeded))
    }

    func fill(_ output: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int32 {
        state.withLock { state in
            guard state.seeded == 0 else { return state.seeded }
            // One call gives at most MBEDTLS_CTR_DRBG_MAX_REQUEST bytes.
            var done = 0
            while done < count {
                let part = min(count - done, 1024)
                let status = mbedtls_ctr_drbg_random(state.drbg, output?.advanced(by: done), part)
                guard status == 0 else { return status }
                done += part
            }
            return 0
        }
    }

    /// - Throws: `noRandomness`.
    package func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)  // safe: what our own code asks for
        let status = bytes.withUnsafeMutableBufferPointer { fill($0.baseAddress, $0.count) }
        try check(status, .noRandomness)
        return bytes
    }

    /// - Throws: `noRandomness`.
    package func secret(_ count: Int) throws(CryptographyError) -> SecretBytes {
        try SecretBytes(count: count) { buffer throws(CryptographyError) in
            try check(
                fill(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count), .noRandomness)
        }
    }
}

/// The generator in the shape that Mbed TLS takes.
let randomSource: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
    _, output, count in SecureRandom.shared.fill(output, count)
}
