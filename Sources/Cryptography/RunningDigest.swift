import CMbedTLS
import CSHA2

/// Who computes a digest.
package enum DigestEngine: String, Sendable, CaseIterable {
    /// Mbed TLS: the reference, and the one everything but mass hashing uses.
    case mbedTLS
    /// The processor's SHA-256 instructions; any other digest stays with Mbed TLS.
    case instructions

    /// The faster one on this machine: the instructions where there are any, they agree with Mbed TLS, and a trial of
    /// some milliseconds says that they win. Measured once a process.
    package static let fastest: DigestEngine = {
        guard kz_sha256_has_instructions() != 0 else { return .mbedTLS }
        let sample = (0..<65_536 + 13).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        func trial(_ engine: DigestEngine) -> (digest: [UInt8], time: Duration) {
            let clock = ContinuousClock()
            let start = clock.now
            var running = RunningDigest(.sha256, engine: engine)
            sample.withUnsafeBytes { running.update($0) }
            return (running.finish(), start.duration(to: clock.now))
        }
        let (reference, own) = (trial(.mbedTLS), trial(.instructions))
        return own.digest == reference.digest && own.time < reference.time ? .instructions : .mbedTLS
    }()
}

/// A digest over bytes as they pass (FIPS 180-4).
package struct RunningDigest: ~Copyable, @unchecked Sendable {
    // One owner at a time: the context behind the pointer goes where the value goes.
    private enum State {
        case mbedTLS(UnsafeMutablePointer<mbedtls_md_context_t>)
        case instructions(SHA256Blocks)
    }
    private var state: State
    private let byteCount: Int

    package init(_ algorithm: DigestAlgorithm, engine: DigestEngine = .mbedTLS) {
        byteCount = algorithm.byteCount
        guard algorithm == .sha256, engine == .instructions, kz_sha256_has_instructions() != 0 else {
            let context = UnsafeMutablePointer<mbedtls_md_context_t>.allocate(capacity: 1)
            mbedtls_md_init(context)
            let status = mbedtls_md_setup(context, algorithm.info, 0)
            // The digests are built into the library: a failure is a broken installation.
            // safe: no input decides it
            precondition(status == 0 && mbedtls_md_starts(context) == 0, "Mbed TLS lacks SHA-2")
            state = .mbedTLS(context)
            return
        }
        state = .instructions(SHA256Blocks())
    }

    deinit {
        guard case .mbedTLS(let context) = state else { return }
        mbedtls_md_free(context)
        context.deallocate()
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .mbedTLS(let context):
            mbedtls_md_update(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        case .instructions(var blocks):
            blocks.update(bytes)
            state = .instructions(blocks)
        }
    }

    package mutating func finish() -> [UInt8] {
        switch state {
        case .mbedTLS(let context):
            var digest = [UInt8](repeating: 0, count: byteCount)  // safe: by the algorithm
            mbedtls_md_finish(context, &digest)
            return digest
        case .instructions(var blocks): return blocks.finish()
        }
    }
}

/// SHA-256 around a compression function: what does not fill a block waits, and the end is padded.
private struct SHA256Blocks {
    private var words: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )
    private var waiting: [UInt8] = []
    private var count: UInt64 = 0

    private mutating func compress(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        withUnsafeMutableBytes(of: &words) { words in
            guard let state = words.baseAddress?.assumingMemoryBound(to: UInt32.self) else { return }
            kz_sha256_compress(state, start, bytes.count / 64)
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(truncatingIfNeeded: bytes.count)
        var rest = bytes[...]
        if !waiting.isEmpty {
            let fill = rest.prefix(64 - waiting.count)
            waiting += fill
            rest = rest.dropFirst(fill.count)
            guard waiting.count == 64 else { return }
            let block = waiting
            block.withUnsafeBytes { compress($0) }
            waiting.removeAll(keepingCapacity: true)
        }
        let whole = rest.count / 64 * 64
        compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        waiting += rest.dropFirst(whole)
    }

    mutating func finish() -> [UInt8] {
        let bits = count * 8
        var tail = waiting + [0x80]
        while tail.count % 64 != 56 { tail.append(0) }
        tail += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64(truncatingIfNeeded: $0))) }
        tail.withUnsafeBytes { compress($0) }
        return withUnsafeBytes(of: words) { words in
            stride(from: 0, to: 32, by: 4).flatMap { at in
                let word = words.loadUnaligned(fromByteOffset: at, as: UInt32.self)
                return (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32(truncatingIfNeeded: $0))) }
            }
        }
    }
}
