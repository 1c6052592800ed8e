internal import Foundation
internal import Glibc
internal import Synchronization

/// An HTTP server on loopback that answers as a script says, byte by byte: also wrongly, or half and then no more.
package final class ScriptedServer: Sendable {
    /// A request's line and headers, names in lower case.
    package struct Request: Sendable {
        package let target: String
        package let headers: [String: String]
    }
    /// What goes back before the connection is closed.
    package struct Reply: Sendable {
        package var status: String
        package var headers: [String]
        package var body: [UInt8]
        /// Bytes of the body that are sent; fewer than all break the transfer.
        package var sent: Int

        package init(_ status: String, headers: [String] = [], body: [UInt8] = [], sent: Int? = nil) {
            (self.status, self.headers, self.body) = (status, headers, body)
            self.sent = sent ?? body.count
        }
    }

    package let port: UInt16
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    package var requests: [Request] { seen.withLock { $0 } }

    package init(_ script: @escaping @Sendable (Request) -> Reply) throws {
        (listener, port) = try LoopbackSocket.bound(SOCK_STREAM)
        let listener = listener
        guard listen(listener, 16) == 0 else { throw ChildProcess.Failed(description: "no port on loopback") }
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                if let request = Self.read(connection) {
                    self?.seen.withLock { $0.append(request) }
                    Self.send(script(request), to: connection)
                }
                close(connection)
            }
        }
    }

    deinit { stop() }

    package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    package func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4_096)
        while bytes.firstRange(of: Array("\r\n\r\n".utf8)) == nil {
            let count = recv(connection, &room, room.count, 0)
            guard count > 0 else { return nil }
            bytes += room.prefix(count)
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        return Request(
            target: lines.first.map { $0.split(separator: " ").dropFirst().first.map(String.init) ?? "" } ?? "",
            headers: headers)
    }

    private static func send(_ reply: Reply, to connection: Int32) {
        let head =
            "HTTP/1.1 \(reply.status)\r\n"
            + (reply.headers + ["Content-Length: \(reply.body.count)", "Connection: close"]).joined(separator: "\r\n")
            + "\r\n\r\n"
        var rest = (Array(head.utf8) + reply.body.prefix(reply.sent))[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
