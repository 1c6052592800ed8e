internal import CTestRig
internal import Glibc
internal import Synchronization
internal import Threads

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
        let serving = Serving(connection: CardConnection(socket: socket), card: card)
        let isStarted = startThread("virtual card") { [weak self] in
            serving.run()
            self?.forget(socket)
            close(socket)
        }
        precondition(isStarted, "no thread to be had")
    }

    package func remove() {
        connection.withLock { socket in
            // The thread that reads it closes it.
            if let open = socket { shutdown(open, Int32(SHUT_RDWR)) }
            socket = nil
        }
    }

    private func forget(_ socket: Int32) { connection.withLock { if $0 == socket { $0 = nil } } }
}

/// One presence on the wire: two bytes of length, then a control byte or a command.
private struct Serving {
    let connection: CardConnection
    let card: CardInField

    func run() {
        while let header = connection.receive(2), let message = connection.receive(Int(header[0]) << 8 | Int(header[1]))
        {
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
                connection.pause(milliseconds)
                send(answer)
            case .torn: return
            case .silent:
                // Until the other side closes, or the card is taken away.
                while connection.receive(1) != nil {}
                return
            }
        }
    }

    private func send(_ bytes: [UInt8]) {
        connection.send([UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes)
    }
}
