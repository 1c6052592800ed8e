internal import Glibc

/// The service manager that started us, told by the protocol of sd_notify(3): one datagram a message, no library. Nothing
/// happens where there is none.
package struct ServiceManager: Sendable {
    private let socketPath: String?
    /// How often it is told that we live: a third of what it waits; nil: it does not want to hear.
    package let watchdog: Duration?

    /// - Parameter environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    package init(environment: (String) -> String? = ServiceManager.variable, pid: Int32 = getpid()) {
        socketPath = environment("NOTIFY_SOCKET")
        let isForUs = environment("WATCHDOG_PID").map { Int32($0) == pid } ?? true
        watchdog = environment("WATCHDOG_USEC").flatMap { Int64($0) }
            .flatMap { isForUs && $0 > 0 ? .microseconds($0 / 3) : nil }
    }

    /// Whether one started us, and waits to hear.
    package var isPresent: Bool { socketPath != nil }

    package static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// It runs; whether it takes cards is said by `status`.
    package func ready() { tell("READY=1") }
    package func alive() { tell("WATCHDOG=1") }
    package func stopping() { tell("STOPPING=1") }

    /// One line for `systemctl status`.
    package func status(_ text: String) {
        tell("STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    private func tell(_ message: String) {
        guard let socketPath, var address = sockaddr_un(path: socketPath) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // An abstract name has no ending zero: its length tells.
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + socketPath.utf8.count } ?? 0
        let bytes = Array(message.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), $0,
                    socklen_t(length))
            }
        }
    }
}
