internal import CTestRig
package import Glibc

/// A serial line without the wire: what is written to `path` is read here. Closing it is the cable pulled out.
package final class PseudoTerminal: Sendable {
    private let master: Int32
    /// Open for as long as the line is there: without any client the master would not wait.
    private let slave: Int32
    /// What a client opens.
    package let path: String

    package init() throws {
        var name = [CChar](repeating: 0, count: 128)
        master = kz_open_pseudo_terminal(&name, name.count)
        guard master >= 0 else {
            throw ChildProcess.Failed(description: "no pseudo terminal: \(String(cString: strerror(errno)))")
        }
        slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What came until now, after waiting for the first of it; empty when nothing comes. It blocks.
    package func read(wait milliseconds: Int32 = 0) -> [UInt8] {
        var poll = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 32_768)
        let count = Glibc.read(master, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : []
    }

    /// Says something to the client; false when the line takes no more.
    package func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            var poll = pollfd(fd: master, events: Int16(POLLOUT), revents: 0)
            guard Glibc.poll(&poll, 1, 1_000) > 0 else { return false }
            let count = rest.withUnsafeBytes { Glibc.write(master, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The line's settings as the client made them.
    package var settings: termios? {
        var settings = termios()
        return tcgetattr(master, &settings) == 0 ? settings : nil
    }

    /// A client's next opening or writing finds nobody.
    package func close() {
        Glibc.close(master)
        Glibc.close(slave)
    }
}
