internal import CLinux
internal import Foundation
internal import Glibc
internal import SecurityEvents

/// A desk's ear for UDP: one token a datagram. Only a token that one of the library's kiosks made gets an answer.
package final class DatagramServer: Sendable {
    package let port: UInt16
    private let desk: Recipient
    private let descriptor: Int32
    /// Closed at one end, it wakes every thread.
    private let (wake, ending): (Int32, Int32)

    /// - Parameters:
    ///   - address: a numeric address of this machine, IPv4 or IPv6.
    ///   - port: 0 takes a free one.
    ///   - threads: that verify side by side.
    package init(desk: Recipient, address: String = "127.0.0.1", port: UInt16 = 0, threads: Int = 2) throws {
        self.desk = desk
        let own = try ListeningSocket.Address(address, port: port)
        descriptor = try ListeningSocket.bound(to: own, type: SOCK_DGRAM)
        // Bound to all addresses, a machine would answer from the one that it likes best, which no kiosk asked.
        _ = kz_tell_destination(descriptor, own.family)
        // A burst waits in the kernel rather than being lost.
        var room: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout.size(ofValue: room)))
        self.port = ListeningSocket.port(of: descriptor)
        var ends: [Int32] = [-1, -1]
        guard kz_pipe(&ends) == 0 else { throw ListeningSocket.Failed(description: "no pipe") }
        (wake, ending) = (ends[0], ends[1])  // safe: a pipe has two
        for _ in 0..<max(1, threads) {
            Thread.detachNewThread { [self] in serve() }
        }
    }

    deinit {
        close(descriptor)
        close(wake)
    }

    /// Ends the threads; what is being checked is still answered.
    package func stop() { close(ending) }

    private struct Datagram {
        let bytes: [UInt8]
        let route: kz_route
    }

    private func serve() {
        var polled = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: wake, events: 0, revents: 0),
        ]
        while true {
            guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return }
            guard polled[1].revents == 0 else { return }  // safe: two were asked about
            var batch: [Datagram] = []
            while batch.count < desk.mostAtOnce, let datagram = receive() { batch.append(datagram) }
            // Without the disk nothing is remembered, and so nothing is acknowledged: kiosks try again.
            guard !batch.isEmpty, let answers = try? desk.receive(batch.map(\.bytes)) else { continue }
            for (datagram, answer) in zip(batch, answers) {
                if let acknowledgement = desk.acknowledgement(of: answer) { send(acknowledgement, to: datagram) }
            }
        }
    }

    private func receive() -> Datagram? {
        // One byte more than a token may have tells a longer one.
        var room = [UInt8](repeating: 0, count: SealedToken.most + 1)
        var route = kz_route()
        let count = kz_receive(descriptor, &room, room.count, &route)
        return count < 0 ? nil : Datagram(bytes: Array(room.prefix(count)), route: route)
    }

    private func send(_ bytes: [UInt8], to datagram: Datagram) {
        var route = datagram.route
        _ = kz_answer(descriptor, bytes, bytes.count, &route)
    }
}
