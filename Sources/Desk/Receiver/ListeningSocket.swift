internal import CLinux
internal import Glibc

/// A socket that strangers may send to.
enum ListeningSocket {
    struct Failed: Error, CustomStringConvertible { let description: String }

    /// A numeric address of this machine, IPv4 or IPv6, and a port; 0 takes a free one.
    struct Address: Sendable {
        fileprivate var storage = sockaddr_storage()
        fileprivate let length: socklen_t
        fileprivate let text: String
        // safe: 16 bits
        var family: Int32 { Int32(storage.ss_family) }

        init(_ address: String, port: UInt16) throws(Failed) {
            var hints = addrinfo()
            hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(address, "\(port)", &hints, &list) == 0, let found = list?.pointee else {
                throw Failed(description: "\(address) is no numeric address")
            }
            defer { freeaddrinfo(list) }
            (length, text) = (found.ai_addrlen, "\(address) port \(port)")
            // safe: 32 bits
            memcpy(&storage, found.ai_addr, min(Int(found.ai_addrlen), MemoryLayout<sockaddr_storage>.size))
        }
    }

    /// - Returns: a descriptor, bound, and not blocking.
    static func bound(to address: Address, type: __socket_type) throws(Failed) -> Int32 {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        // safe: fields of our own, of 16 bits and a constant
        let descriptor = socket(address.family, Int32(type.rawValue) | flags, 0)
        var yes: Int32 = 1
        if type == SOCK_STREAM {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout.size(ofValue: yes)))
        }
        var storage = address.storage
        let isBound = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, address.length) == 0 }
        }
        guard descriptor >= 0, isBound else {
            let problem = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw Failed(description: "\(address.text): \(problem)")
        }
        return descriptor
    }

    /// The port that it got.
    static func port(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
            // The port stands at the same place in both families.
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }
}
