import CMbedTLS

/// Bytes that must not be seen: overwritten when the last holder lets go, and printed as nothing by every route Swift
/// has to a value's text.
package final class SecretBytes: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // Written in `init` only; read-only from then on until `deinit`.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    /// `count` bytes that `fill` writes.
    package init<E: Error>(count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        do {
            try fill(storage)
        } catch {
            mbedtls_platform_zeroize(storage.baseAddress, storage.count)
            storage.deallocate()
            throw error
        }
        self.storage = storage
    }

    package convenience init(copying bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit {
        mbedtls_platform_zeroize(storage.baseAddress, storage.count)
        storage.deallocate()
    }

    package var count: Int { storage.count }

    package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// Compares without telling by time where the bytes differ.
    package func matches(_ other: some Collection<UInt8>) -> Bool {
        guard other.count == count else { return false }
        var difference: UInt8 = 0
        for (mine, theirs) in zip(UnsafeRawBufferPointer(storage), other) { difference |= mine ^ theirs }
        return difference == 0
    }

    package var description: String { "[secret]" }
    package var debugDescription: String { "[secret]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Overwrites an array in place. Only a uniquely held buffer is reached: copies made before are the caller's care.
package func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { mbedtls_platform_zeroize($0.baseAddress, $0.count) }
    bytes = []
}
