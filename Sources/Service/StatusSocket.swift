internal import Dispatch
internal import Glibc

/// Answers each connection to a Unix socket with one report, and closes it. Who may ask is the socket's mode: owner and
/// group.
package final class StatusSocket: Sendable {
    private let path: String
    private nonisolated(unsafe) let source: any DispatchSourceRead

    /// - Parameter answer: the bytes for one connection.
    /// - Throws: what the system said, when the socket can't be made there.
    package init(_ path: String, answer: @escaping @Sendable () async -> [UInt8]) throws(SystemProblem) {
        self.path = path
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
        guard listener >= 0 else { throw SystemProblem(errno) }
        guard var address = sockaddr_un(path: path) else {
            close(listener)
            throw SystemProblem(ENAMETOOLONG)
        }
        // One that an earlier run left. Whoever starts last is the one that answers.
        unlink(path)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, chmod(path, 0o660) == 0, listen(listener, 8) == 0 else {
            let problem = SystemProblem(errno)
            close(listener)
            throw problem
        }
        source = DispatchSource.makeReadSource(fileDescriptor: listener)
        source.setEventHandler {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            Task {
                let bytes = await answer()
                // Less than a socket holds: it never waits for whoever does not read.
                _ = bytes.withUnsafeBytes {
                    send(client, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
                }
                close(client)
            }
        }
        source.setCancelHandler { close(listener) }
        source.resume()
    }

    package func stop() {
        source.cancel()
        unlink(path)
    }

    /// Bytes of a report, at the most.
    private static let mostBytes = 256 * 1_024

    /// Asks a running kiosk; it blocks for `patience` seconds at the most.
    package static func ask(_ path: String, patience: Int = 5) throws(StatusError) -> StatusReport {
        let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(connection) }
        guard connection >= 0, var address = sockaddr_un(path: path) else { throw .notRunning }
        let deadline = ContinuousClock.now + .seconds(patience)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw errno == EACCES ? .refused : .notRunning }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components
            guard left.seconds >= 0, left.attoseconds > 0 || left.seconds > 0 else { throw .silent }
            var limit = timeval(tv_sec: Int(left.seconds), tv_usec: max(1, Int(left.attoseconds / 1_000_000_000_000)))
            setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            let count = recv(connection, &buffer, buffer.count, 0)
            if count == 0 { break }
            guard count > 0 else { throw .silent }
            bytes += buffer.prefix(count)
            guard bytes.count <= Self.mostBytes else { throw .malformed }
        }
        return try StatusReport(json: bytes)
    }
}

/// What the system said.
package struct SystemProblem: Error, Sendable, CustomStringConvertible {
    package let code: Int32
    package init(_ code: Int32) { self.code = code }
    package var description: String { String(cString: strerror(code)) }
}

extension sockaddr_un {
    /// The address of a path, or of an abstract name when it begins with @; nil when it is too long.
    init?(path: String) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: sun_path) else { return nil }
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: bytes) }
    }
}
