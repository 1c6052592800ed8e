internal import Glibc
internal import Synchronization
internal import Threads

/// Puts a card into the CCID reader that QEMU emulates (`ccid-card-passthru`): listens on a Unix socket, to which QEMU connects
/// when it starts. The protocol is libcacard's (vscard_common.h): a type, a reader and a length of four bytes each, then the
/// payload. QEMU 7.2's reader talks T=0 only, and carries answers of 370 bytes at the most: the card must be one that does.
package final class PassthroughReader: Sendable {
    private enum MessageType: UInt8 {
        case initialise = 1
        case error
        case readerAdd
        case readerRemove
        case answerToReset
        case cardRemove
        case command
        case flush
        case flushComplete
    }

    private struct State {
        var connection: CardConnection?
        var card: CardInField?
    }

    private let state = Mutex(State())
    private let listener: Int32

    package struct NoReader: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter path: of the socket; one that is there is replaced.
    /// - Throws: `NoReader`.
    package init(path: String) throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw NoReader(description: "\(path) is too long for a socket's address")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let listens = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 1) == 0
            }
        }
        guard listens else {
            close(listener)
            throw NoReader(description: "no socket at \(path)")
        }
        let isStarted = startThread("virtual reader") { [listener, weak self] in
            defer { close(listener) }
            while true {
                let socket = accept(listener, nil, nil)
                guard socket >= 0 else { return }
                let connection = CardConnection(socket: socket)
                self?.serve(connection)
                close(socket)
            }
        }
        precondition(isStarted, "no thread to be had")
    }

    deinit { stop() }

    /// Lays a card into the reader.
    /// - Throws: `NoReader` while QEMU has not connected.
    package func insert(_ card: CardInField) throws {
        remove()
        card.enterField()
        try state.withLock { state in
            guard let connection = state.connection else { throw NoReader(description: "QEMU has not connected yet") }
            state.card = card
            Self.send(.answerToReset, card.answerToReset, over: connection)
        }
    }

    package func remove() {
        state.withLock { state in
            guard let card = state.card else { return }
            state.card = nil
            card.powerDown()
            if let connection = state.connection { Self.send(.cardRemove, [], over: connection) }
        }
    }

    package func stop() {
        remove()
        shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { if let connection = $0.connection { shutdown(connection.socket, Int32(SHUT_RDWR)) } }
    }

    private func serve(_ connection: CardConnection) {
        defer { state.withLock { $0.connection = nil } }
        while let head = connection.receive(12) {
            let length = head[8..<12].reduce(0) { $0 << 8 | Int($1) }
            guard length <= 65_536, let payload = connection.receive(length) else { return }
            switch MessageType(rawValue: head[3]) {
            case .initialise:
                // QEMU knows no reader by a number yet.
                Self.send(.readerAdd, Array("kazashi\0".utf8), reader: 0xFF, over: connection)
                state.withLock { $0.connection = connection }
            case .command: answer(payload, over: connection)
            case .flush: Self.send(.flushComplete, [], over: connection)
            default: break
            }
        }
    }

    private func answer(_ command: [UInt8], over connection: CardConnection) {
        guard let card = state.withLock({ $0.card }) else { return }
        switch card.transmit(command) {
        case .bytes(let answer, let milliseconds):
            connection.pause(milliseconds)
            state.withLock { state in
                guard state.card === card else { return }
                Self.send(.command, answer, over: connection)
            }
        case .torn: remove()
        case .silent: break
        }
    }

    /// - Parameter reader: each byte of its number.
    private static func send(
        _ type: MessageType, _ payload: [UInt8], reader: UInt8 = 0, over connection: CardConnection
    ) {
        let count = payload.count
        connection.send(
            [
                0, 0, 0, type.rawValue, reader, reader, reader, reader, 0, 0, UInt8(count >> 8 & 0xFF),
                UInt8(count & 0xFF),
            ]
                + payload)
    }
}
