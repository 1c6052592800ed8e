internal import FlyingSocks
internal import Foundation

/// A library's system in small, for trying a SIP2 client: it knows the patrons that it is given.
package actor SIP2Server {
    /// How it behaves; anything but `normal` is for trying a client.
    package enum Behaviour: Sendable {
        case normal
        /// Never answers.
        case silent
        /// Answers about somebody else.
        case confused
        /// Sends a checksum that is wrong.
        case garbled
    }

    /// How real systems differ from the standard.
    package struct Dialect: Sendable {
        package var encoding = JapaneseEncoding.utf8
        /// Behind a message, and before one.
        package var ending = "\r"
        package var before = ""
        package var hasLowerCaseChecksums = false
        /// Behind each field's value, and behind the checksum.
        package var padding = ""

        package init() {}
    }

    private let patrons: [String: String]
    private let dialect: Dialect
    private let login: SIP2Client.Login?
    private let behaviour: Behaviour
    private var running: Task<Void, any Error>?

    /// - Parameter patrons: names by library card number.
    package init(
        patrons: [String: String], login: SIP2Client.Login? = nil, behaviour: Behaviour = .normal,
        dialect: Dialect = Dialect()
    ) {
        (self.patrons, self.login, self.behaviour, self.dialect) = (patrons, login, behaviour, dialect)
    }

    /// Listens on this machine; the port that it got.
    package func start() async throws -> UInt16 {
        let listener = try Socket(domain: AF_INET, type: .stream)
        try listener.setValue(true, for: .localAddressReuse)
        try listener.bind(to: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0))
        try listener.listen()
        let socket = try AsyncSocket(socket: listener, pool: try await .client)
        guard case .ip4(_, let port) = try listener.sockname() else { return 0 }
        running = Task {
            defer { try? socket.close() }
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in socket.sockets {
                    group.addTask { [self] in
                        // Whoever hangs up ends its conversation only.
                        try? await converse(connection)
                        try? connection.close()
                    }
                }
            }
        }
        return port
    }

    package func stop() { running?.cancel() }

    private func converse(_ socket: AsyncSocket) async throws {
        var isLoggedIn = login == nil
        while true {
            let message = try await SIP2Client.line(from: socket)
            guard behaviour != .silent else { continue }
            let text = String(decoding: message, as: UTF8.self)
            switch text.prefix(2) {
            case "93":
                let fields = SIP2Message.fields(of: message, fixed: 4, encoding: dialect.encoding) ?? [:]
                isLoggedIn = fields["CN"] == login?.user && fields["CO"] == login?.password
                try await send(isLoggedIn ? "941" : "940", about: message, over: socket)
            case "63" where isLoggedIn:
                guard let fields = SIP2Message.fields(of: message, fixed: 2 + 3 + 18 + 10, encoding: dialect.encoding),
                    fields["AO"] != nil, let card = fields["AA"]
                else { return }
                try await send(information(behaviour == .confused ? "0" : card), about: message, over: socket)
            default: return
            }
        }
    }

    private func information(_ card: String) -> String {
        let name = patrons[card]
        let status = name == nil ? "Y             " : String(repeating: " ", count: 14)
        let counts = String(repeating: "0000", count: 6)
        let end = dialect.padding + "|"
        return "64\(status)000\(SIP2Message.date(0))\(counts)AO\(end)AA\(card)\(end)AE\(name ?? "")\(end)"
            + "BL\(name == nil ? "N" : "Y")\(end)AF\(name == nil ? "Unknown card" : "Ready")\(end)"
    }

    private func send(_ answer: String, about message: [UInt8], over socket: AsyncSocket) async throws {
        var bytes = SIP2Message.closed(dialect.encoding.bytes(answer) ?? [], sequence: 0)
        // The checksum's last digit.
        // safe: it ends with a checksum that was just put there
        if behaviour == .garbled { bytes[bytes.count - 2] ^= 1 }
        var checksum = String(decoding: bytes.dropLast().suffix(4), as: UTF8.self)
        if dialect.hasLowerCaseChecksums { checksum = checksum.lowercased() }
        let whole =
            Array(dialect.before.utf8) + bytes.dropLast(5) + Array((checksum + dialect.padding + dialect.ending).utf8)
        try await socket.write(Data(whole))
    }
}
