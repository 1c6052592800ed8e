internal import FlyingSocks
internal import Foundation

/// Asks a library's system (an ILS, SIP2's ACS) for a patron by the library card number: what a self-check does with it.
package struct SIP2Client: Sendable {
    private let address: String
    private let port: UInt16
    private let institution: String
    private let login: Login?
    private let timeout: Double
    private let encoding: JapaneseEncoding
    private let now: @Sendable () -> Int64

    package struct Login: Sendable {
        package let user, password: String
        package init(user: String, password: String) { (self.user, self.password) = (user, password) }
    }

    /// Why there is no answer. It holds nothing of the question.
    package enum Failure: String, Error, Sendable {
        case unusableNumber = "unusable_number"
        case unreachable
        case loginRefused = "login_refused"
        /// No 64 about that number came, or its checksum is wrong.
        case garbledAnswer = "garbled_answer"
    }

    /// - Parameters:
    ///   - address: numeric IPv4. SIP2 has no confidentiality of its own: this machine, or a tunnel.
    ///   - timeout: seconds for the whole conversation.
    ///   - encoding: how the system writes and reads.
    ///   - now: seconds since 1970, as messages say it.
    package init(
        address: String, port: UInt16, institution: String = "", login: Login? = nil, timeout: Double = 10,
        encoding: JapaneseEncoding = .utf8, now: @escaping @Sendable () -> Int64
    ) {
        (self.address, self.port, self.institution) = (address, port, institution)
        (self.login, self.timeout, self.encoding, self.now) = (login, timeout, encoding, now)
    }

    /// Asks once, in a conversation of its own.
    package func information(about cardNumber: String) async throws(Failure) -> PatronInformation {
        guard SIP2Message.isField(cardNumber) else { throw .unusableNumber }
        // safe: of our own configuration
        let (limit, failed) = (Duration.milliseconds(Int(timeout * 1_000)), Failure.unreachable)
        let result: Result<PatronInformation, Failure> = await withTaskGroup(
            of: Result<PatronInformation, Failure>.self
        ) { group in
            group.addTask {
                do {
                    return .success(try await self.converse(cardNumber))
                } catch {
                    return .failure((error as? Failure) ?? failed)
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return .failure(failed)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(failed)
        }
        return try result.get()
    }

    private func converse(_ cardNumber: String) async throws -> PatronInformation {
        let socket = try await AsyncSocket.connected(
            to: try sockaddr_in.inet(ip4: address, port: port), timeout: timeout)
        defer { try? socket.close() }
        var sequence = 0
        func ask(_ message: String) async throws -> [UInt8] {
            guard let bytes = encoding.bytes(message) else { throw Failure.unusableNumber }
            try await socket.write(Data(SIP2Message.closed(bytes, sequence: sequence)))
            sequence += 1
            return try await Self.line(from: socket)
        }
        if let login {
            let answer = try await ask(SIP2Message.login(user: login.user, password: login.password))
            guard answer.starts(with: Array("941".utf8)) else { throw Failure.loginRefused }
        }
        let answer = try await ask(
            SIP2Message.patronInformation(institution: institution, cardNumber: cardNumber, now: now()))
        guard let information = PatronInformation(answer, cardNumber: cardNumber, encoding: encoding) else {
            throw Failure.garbledAnswer
        }
        return information
    }

    /// One message without its end; a system that goes on without end is none. The standard ends it by CR; some systems by
    /// LF, some by both, some with blank lines between. Neither byte is ever part of a character.
    static func line(from socket: AsyncSocket) async throws -> [UInt8] {
        var line: [UInt8] = []
        for _ in 0..<8_192 {
            let byte = try await socket.read()
            guard byte == 0x0D || byte == 0x0A else {
                line.append(byte)
                continue
            }
            if line.contains(where: { $0 != 0x20 && $0 != 0x00 }) { return line }
            line = []
        }
        throw Failure.garbledAnswer
    }
}
