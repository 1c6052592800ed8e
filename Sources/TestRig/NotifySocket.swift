internal import Foundation
internal import Glibc

/// A Unix datagram socket as the service manager's.
package final class NotifySocket: Sendable {
    package let path: String
    private let descriptor: Int32

    /// - Parameter isAbstract: its name begins with @, and no file has it.
    package init(isAbstract: Bool = false) throws {
        let name = "kz-\(UUID().uuidString.prefix(8))"
        path = isAbstract ? "@" + name : FileManager.default.temporaryDirectory.appending(path: name).path()
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = isAbstract ? [0] + Array(name.utf8) : Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + bytes.count
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) }
        }
        guard bound == 0 else { throw ChildProcess.Failed(description: "no socket at \(path)") }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next message; nil when none comes for ten seconds.
    package func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    /// True when nothing is said for so long.
    package func isSilent(milliseconds: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, milliseconds) == 0
    }

    package func close() {
        Glibc.close(descriptor)
        unlink(path)
    }
}
