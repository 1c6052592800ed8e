import CTestRig
import Foundation
import Glibc

/// A TCP connection to this machine that says what it is told to, be it HTTP or not.
package final class RawConnection: Sendable {
    private let descriptor: Int32

    package struct Refused: Error {}

    package init(port: UInt16) throws {
        descriptor = kz_connect_loopback(port)
        guard descriptor >= 0 else { throw Refused() }
        // A bound, that a test ends: everything that is waited for comes much earlier.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        }
    }

    deinit { close(descriptor) }

    /// False: the other side is gone.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Nothing more will be said.
    package func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What is answered until the other side closes; nil: it never does.
    package func answer() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in continuation.resume(returning: read()) }
        }
    }

    private func read() -> String? {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &room, room.count, 0)
            if count < 0, errno == EAGAIN { return nil }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += room.prefix(count)
        }
    }

    /// Sends a byte five times a second for as long as it is taken; the number of bytes.
    package func drip(_ bytes: [UInt8]) async -> Int {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                for (count, byte) in bytes.enumerated() {
                    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    // Whatever can be read of it is its end.
                    if poll(&polled, 1, 200) != 0 || !send([byte]) { return continuation.resume(returning: count) }
                }
                continuation.resume(returning: bytes.count)
            }
        }
    }
}
