internal import CLinux
internal import CTestRig
internal import Glibc
internal import Synchronization

/// Puts a card on the virtual reader of vsmartcard: a TCP client of vpcd on a thread of its own. To insert is to
/// connect, to remove is to close.
package final class VPCDReader: Sendable {
    private let port: UInt16
    private let connection = Mutex<Int32?>(nil)

    package init(port: UInt16 = 35_963) { self.port = port }

    deinit { remove() }

    package struct NotListening: Error, CustomStringConvertible {
        package var description: String { "no vpcd listens; pcscd with vsmartcard-vpcd must run first" }
    }

    /// - Throws: `NotListening`.
    package func insert(_ card: CardInField) throws {
        remove()
        let socket = kz_connect_loopback(port)
        guard socket >= 0 else { throw NotListening() }
        connection.withLock { $0 = socket }
        card.enterField()
        let serving = Serving(socket: socket, card: card) { [weak self] in self?.forget(socket) }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(serving)
        let status = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                kz_name_this_thread("virtual card")
                Unmanaged<Serving>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(status == 0, "no thread to be had")
        pthread_detach(thread)
    }

    package func remove() {
        connection.withLock { socket in
            // The thread that reads it closes it.
            if let open = socket { shutdown(open, Int32(SHUT_RDWR)) }
            socket = nil
        }
    }

    private func forget(_ socket: Int32) {
        connection.withLock { if $0 == socket { $0 = nil } }
        close(socket)
    }
}

/// One presence on the wire: two bytes of length, then a control byte or a command.
private final class Serving: Sendable {
    private let socket: Int32
    private let card: CardInField
    private let ended: @Sendable () -> Void

    init(socket: Int32, card: CardInField, ended: @escaping @Sendable () -> Void) {
        (self.socket, self.card, self.ended) = (socket, card, ended)
    }

    func run() {
        defer { ended() }
        while let header = receive(2), let message = receive(Int(header[0]) << 8 | Int(header[1])) {
            guard message.count > 1 else {
                switch message.first {
                case 0x00: card.powerDown()
                case 0x02: card.reset()
                case 0x04: send(card.answerToReset)
                default: break
                }
                continue
            }
            switch card.transmit(message) {
            case .bytes(let answer, let milliseconds):
                pause(milliseconds)
                send(answer)
            case .torn: return
            case .silent:
                // Until the other side closes, or the card is taken away.
                while receive(1) != nil {}
                return
            }
        }
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            // Without it every exchange waits 44 ms for a delayed acknowledgement.
            kz_quick_acknowledge(socket)
            let got = bytes.withUnsafeMutableBytes { read(socket, $0.baseAddress?.advanced(by: done), count - done) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }

    private func send(_ bytes: [UInt8]) {
        let message = [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
        _ = Glibc.send(socket, message, message.count, Int32(MSG_NOSIGNAL))
    }

    private func pause(_ milliseconds: Double) {
        guard milliseconds > 0 else { return }
        var time = timespec(
            tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds.truncatingRemainder(dividingBy: 1_000) * 1e6))
        var left = timespec()
        while nanosleep(&time, &left) != 0, errno == EINTR { time = left }
    }
}
