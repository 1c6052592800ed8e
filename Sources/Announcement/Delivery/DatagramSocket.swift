internal import Dispatch
internal import Glibc
package import HTTPClient
internal import SecurityEvents

/// A UDP socket connected to one address: the kernel drops what strangers send. Datagrams are handed over as they come.
package final class DatagramSocket: Sendable {
    private let descriptor: Int32
    // Used once more, in `deinit`.
    private nonisolated(unsafe) let source: any DispatchSourceRead
    /// Datagrams of one wake-up; the next ones have their own.
    private static let batch = 64

    /// - Parameter receive: the next datagram; nil: nobody listens at the other end.
    /// - Returns: nil when there is no way to that address.
    package init?(to address: HostAddress, port: UInt16, receive: @escaping @Sendable ([UInt8]?) -> Void) {
        let descriptor = socket(
            address.family,
            Int32(truncatingIfNeeded: SOCK_DGRAM.rawValue) | Int32(truncatingIfNeeded: SOCK_CLOEXEC.rawValue)
                | Int32(truncatingIfNeeded: SOCK_NONBLOCK.rawValue), 0
        )
        guard descriptor >= 0 else { return nil }
        Self.forbidFragments(descriptor, family: address.family)
        guard address.withSocketAddress(port: port, { connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        // A queue of its own: a flood at one library's socket holds up no other's.
        source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor, queue: DispatchQueue(label: "kazashi.datagrams"))
        source.setEventHandler {
            var room = [UInt8](repeating: 0, count: VerifiedAcknowledgement.mostBytes + 1)
            for _ in 0..<Self.batch {
                let count = recv(descriptor, &room, room.count, 0)
                if count >= 0 {
                    receive(Array(room.prefix(count)))
                } else if errno == ECONNREFUSED {
                    receive(nil)
                } else {
                    return
                }
            }
        }
        source.setCancelHandler { close(descriptor) }
        source.resume()
    }

    deinit { source.cancel() }

    /// False when the network would not take it: too large for the path, or no way there.
    package func send(_ datagram: [UInt8]) -> Bool {
        Glibc.send(descriptor, datagram, datagram.count, 0) == datagram.count
    }

    private static func forbidFragments(_ descriptor: Int32, family: Int32) {
        var only = IP_PMTUDISC_DO
        if family == AF_INET6 {
            setsockopt(
                descriptor, Int32(truncatingIfNeeded: IPPROTO_IPV6), IPV6_MTU_DISCOVER, &only,
                socklen_t(MemoryLayout.size(ofValue: only)))
        } else {
            setsockopt(
                descriptor, Int32(truncatingIfNeeded: IPPROTO_IP), IP_MTU_DISCOVER, &only,
                socklen_t(MemoryLayout.size(ofValue: only)))
        }
    }
}
