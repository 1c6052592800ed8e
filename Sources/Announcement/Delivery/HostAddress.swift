internal import Dispatch
internal import Glibc
internal import Synchronization

/// An IPv4 or IPv6 address with its port, as sockets take it.
package struct HostAddress: @unchecked Sendable {
    private let storage: sockaddr_storage
    private let length: socklen_t
    var family: Int32 { Int32(storage.ss_family) }

    fileprivate init?(_ information: addrinfo) {
        guard let address = information.ai_addr, Int(information.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        var storage = sockaddr_storage()
        memcpy(&storage, address, Int(information.ai_addrlen))
        (self.storage, length) = (storage, information.ai_addrlen)
    }

    func withSocketAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// What the system says of `host`, in its order: no answer is an empty list. It blocks for as long as the name
    /// service likes.
    package static func lookUp(_ host: String, _ port: UInt16) -> [HostAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return [] }
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

/// The addresses of one host. The name service is asked on a thread of its own, one question at a time; whoever waits
/// can leave, the question can't be taken back.
package final class HostResolver: Sendable {
    package typealias LookUp = @Sendable (_ host: String, _ port: UInt16) -> [HostAddress]

    private struct State {
        var addresses: [HostAddress] = []
        var fresh: ContinuousClock.Instant?
        var isAsking = false
        var waiting: [@Sendable ([HostAddress]) -> Void] = []
    }
    private let host: String
    private let port: UInt16
    private let lookUp: LookUp
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "kazashi.resolver")

    private static let life = Duration.seconds(60)

    init(host: String, port: UInt16, lookUp: @escaping LookUp = HostAddress.lookUp) {
        (self.host, self.port, self.lookUp) = (host, port, lookUp)
    }

    /// Hands over the addresses: at once where some are known (they are asked for anew when they are old), else when
    /// the name service has answered.
    func addresses(_ body: @escaping @Sendable ([HostAddress]) -> Void) {
        let (known, asks) = state.withLock { state in
            let isFresh = state.fresh.map { $0 > .now } ?? false
            if state.addresses.isEmpty { state.waiting.append(body) }
            let asks = !isFresh && !state.isAsking
            if asks { state.isAsking = true }
            return (state.addresses, asks)
        }
        if !known.isEmpty { body(known) }
        if asks { queue.async { self.ask() } }
    }

    private func ask() {
        let found = lookUp(host, port)
        let (waiting, addresses) = state.withLock { state in
            // A name service that fails for a while does not take away what it said.
            if !found.isEmpty { (state.addresses, state.fresh) = (found, .now + Self.life) }
            state.isAsking = false
            defer { state.waiting = [] }
            return (state.waiting, state.addresses)
        }
        for body in waiting { body(addresses) }
    }
}
