package import Glibc

/// Sockets on 127.0.0.1, for servers and clients that misbehave.
package enum LoopbackSocket {
    /// An IPv4 address of this machine.
    package static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Calls `body` with an address in the form that sockets take.
    package static func withAddress<Value>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Value
    ) -> Value {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
    }

    /// A socket that is bound to a free port.
    /// - Parameter options: `SOCK_NONBLOCK` and such, beside `SOCK_CLOEXEC`.
    package static func bound(_ type: __socket_type, options: __socket_type? = nil) throws -> (
        descriptor: Int32, port: UInt16
    ) {
        let descriptor = socket(
            AF_INET, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(options?.rawValue ?? 0), 0)
        var address = address(0)
        let isBound = withAddress(&address) { address, length in
            bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
        }
        guard isBound else { throw ChildProcess.Failed(description: "no port on loopback") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The next datagram with the port that it is from; nil when there is none.
    package static func receive(_ descriptor: Int32) -> (bytes: [UInt8], from: UInt16)? {
        var room = [UInt8](repeating: 0, count: 65_536)
        var from = address(0)
        let count = withAddress(&from) { address, length in
            recvfrom(descriptor, &room, room.count, 0, address, &length)
        }
        return count < 0 ? nil : (Array(room.prefix(count)), UInt16(bigEndian: from.sin_port))
    }

    package static func send(_ bytes: [UInt8], over descriptor: Int32, to port: UInt16) {
        var address = address(port)
        _ = withAddress(&address) { address, length in
            sendto(descriptor, bytes, bytes.count, 0, address, length)
        }
    }
}
