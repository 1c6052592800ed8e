package import Glibc

/// An IPv4 or IPv6 address, as the name service gives it.
package struct HostAddress: @unchecked Sendable {
    private let storage: sockaddr_storage
    private let length: socklen_t
    package var family: Int32 { Int32(truncatingIfNeeded: storage.ss_family) }

    private init?(_ information: addrinfo) {
        guard let address = information.ai_addr,
            Int(truncatingIfNeeded: information.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size,
            information.ai_family == AF_INET || information.ai_family == AF_INET6
        else { return nil }
        var storage = sockaddr_storage()
        memcpy(&storage, address, Int(truncatingIfNeeded: information.ai_addrlen))
        (self.storage, length) = (storage, information.ai_addrlen)
    }

    /// The address with a port, in the form that sockets take.
    package func withSocketAddress<Value>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value
    {
        var storage = storage
        return withUnsafeMutablePointer(to: &storage) { pointer in
            // An IPv6 address has its port where an IPv4 address has it.
            pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_port = port.bigEndian }
            return pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// In figures; nil for one that holds on one link only, which URLs can't name.
    var text: String? {
        var room = [CChar](repeating: 0, count: Int(truncatingIfNeeded: NI_MAXHOST))  // safe: a constant
        let status = withSocketAddress(port: 0) {
            getnameinfo($0, $1, &room, socklen_t(room.count), nil, 0, NI_NUMERICHOST)  // safe: a constant
        }
        let text = String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return status == 0 && !text.contains("%") ? text : nil
    }

    /// What the system says of `host`, in its order (RFC 6724): no answer is an empty list. It blocks for as long as the
    /// name service likes.
    package static func lookUp(_ host: String) -> [HostAddress] {
        var hints = addrinfo()
        // Each address once.
        hints.ai_socktype = Int32(truncatingIfNeeded: SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [HostAddress] = []
        var next = list
        while let entry = next {
            if let address = HostAddress(entry.pointee) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
