import SmartCard
import Synchronization
import Testing

/// A card that answers from a script, and notes what it was asked.
final class ScriptedTransport: CardTransport {
    let link: TransmissionProtocol
    let lengths = LengthMemory()
    let answerToReset: [UInt8] = [0x3B]
    private let script: @Sendable ([UInt8], Int) throws(SmartCardError) -> [UInt8]
    private let sent = Mutex<[[UInt8]]>([])
    private let staysPresent: Bool

    init(
        link: TransmissionProtocol = .t1, staysPresent: Bool = true,
        _ script: @escaping @Sendable ([UInt8], Int) throws(SmartCardError) -> [UInt8]
    ) {
        self.link = link
        self.staysPresent = staysPresent
        self.script = script
    }

    var commands: [[UInt8]] { sent.withLock { $0 } }

    func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer {
        let number = sent.withLock { sent in
            sent.append(command)
            return sent.count
        }
        return RawAnswer(bytes: try script(command, number), elapsed: .milliseconds(1))
    }

    func isCardPresent() async -> Bool { staysPresent }

    func powerDown() async {}
}

private func channel(_ transport: ScriptedTransport) -> CardChannel {
    CardChannel(transport, budget: CardChannel.Budget(deadline: .now + .seconds(60)))
}

@Suite struct CardChannelTests {
    let command = CommandAPDU(ins: 0xB0, p1: 0, p2: 0, expected: .short(256))

    @Test("61xx is fetched with GET RESPONSE until there is no more")
    func getResponse() async throws {
        let card = ScriptedTransport(link: .t0) { (_, number) throws(SmartCardError) in
            switch number {
            case 1: [0x61, 0x02]
            case 2: [0xAA, 0xBB, 0x61, 0x01]
            default: [0xCC, 0x90, 0x00]
            }
        }
        let response = try await channel(card).send(command)
        #expect(response == ResponseAPDU(data: [0xAA, 0xBB, 0xCC], status: .ok))
        #expect(card.commands.dropFirst() == [[0x00, 0xC0, 0, 0, 2], [0x00, 0xC0, 0, 0, 1]])
    }

    @Test("6Cxx repeats the command with the length that the card names, once")
    func wrongLength() async throws {
        let card = ScriptedTransport { (_, number) throws(SmartCardError) in
            number == 1 ? [0x6C, 0x03] : [1, 2, 3, 0x90, 0x00]
        }
        #expect(try await channel(card).send(command).data == [1, 2, 3])
        #expect(card.commands.last == [0x00, 0xB0, 0, 0, 3])
        let stubborn = ScriptedTransport { (_, _) throws(SmartCardError) in [0x6C, 0x03] }
        await #expect(throws: SmartCardError.malformedAnswer) { try await channel(stubborn).send(command) }
        #expect(stubborn.commands.count == 2)
    }

    @Test(
        "A command that wants no answer is never repeated, so VERIFY goes out once",
        arguments: [0x6C06, 0x6C00] as [UInt16])
    func noRepeat(status: UInt16) async throws {
        let card = ScriptedTransport { (_, number) throws(SmartCardError) in
            number == 1 ? [0x90, 0x00] : [UInt8(status >> 8), UInt8(status & 0xFF)]
        }
        let channel = channel(card)
        _ = try await channel.send(command)
        let verify = CommandAPDU(ins: 0x20, p1: 0, p2: 0x91, data: Array("550217".utf8))
        #expect(try await channel.send(verify).status == StatusWord(rawValue: status))
        #expect(card.commands.count == 2)
    }

    @Test("6F00 to the first command is tried once more; later it is an answer")
    func firstCommandFails() async throws {
        let card = ScriptedTransport { (_, number) throws(SmartCardError) in number == 1 ? [0x6F, 0x00] : [0x90, 0x00] }
        #expect(try await channel(card).send(command).status == .ok)
        let broken = ScriptedTransport { (_, _) throws(SmartCardError) in [0x6F, 0x00] }
        #expect(try await channel(broken).send(command).status == .internalError)
        #expect(broken.commands.count == 2)
    }

    @Test("An endless chain of 61xx ends at 64 exchanges")
    func endlessChain() async {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in [0xAA, 0x61, 0x01] }
        await #expect(throws: SmartCardError.budgetExceeded) { try await channel(card).send(command) }
        #expect(card.commands.count == 64)
    }

    @Test("More than 16 KiB are not taken from one presence")
    func tooMuch() async {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in
            [UInt8](repeating: 0, count: 4_096) + [0x61, 0x00]
        }
        await #expect(throws: SmartCardError.budgetExceeded) { try await channel(card).send(command) }
        #expect(card.commands.count == 4)
    }

    @Test("Success with fewer than two bytes is a torn card", arguments: [[], [0x90]] as [[UInt8]])
    func torn(answer: [UInt8]) async {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in answer }
        await #expect(throws: SmartCardError.cardRemoved) { try await channel(card).send(command) }
    }

    @Test("T=0: no Le after data, P3 = 00 without any")
    func t0Encoding() throws {
        let query = CommandAPDU(ins: 0x20, p1: 0, p2: 0x91)
        #expect(try query.encoded(for: .t1) == [0x00, 0x20, 0x00, 0x91])
        #expect(try query.encoded(for: .t0) == [0x00, 0x20, 0x00, 0x91, 0x00])
        let sign = CommandAPDU(cla: 0x80, ins: 0x2A, p1: 0, p2: 0, data: [7], expected: .short(256))
        #expect(try sign.encoded(for: .t1) == [0x80, 0x2A, 0, 0, 1, 7, 0])
        #expect(try sign.encoded(for: .t0) == [0x80, 0x2A, 0, 0, 1, 7])
        let extended = CommandAPDU(ins: 0xB0, p1: 0x8A, p2: 0, expected: .extended)
        #expect(try extended.encoded(for: .t1) == [0x00, 0xB0, 0x8A, 0, 0, 0, 0])
        #expect(throws: SmartCardError.self) {
            try CommandAPDU(ins: 0, p1: 0, p2: 0, data: [UInt8](repeating: 0, count: 256)).encoded(for: .t1)
        }
    }
}

@Suite struct ReadObjectTests {
    /// A file of 600 bytes that says its length in its first two.
    static let file: [UInt8] = [0x02, 0x58] + (0..<598).map { UInt8($0 & 0xFF) }

    private func length(_ head: ArraySlice<UInt8>) -> Int? { head.prefix(2).reduce(0) { $0 << 8 | Int($1) } }

    /// READ BINARY over `file`; extended lengths as `extended` says.
    private func card(extended: @escaping @Sendable () throws(SmartCardError) -> [UInt8]) -> ScriptedTransport {
        ScriptedTransport { (command, _) throws(SmartCardError) in
            if command.count == 7 { return try extended() }
            let offset = command[2] & 0x80 != 0 ? Int(command[3]) : Int(command[2]) << 8 | Int(command[3])
            let count = command[4] == 0 ? 256 : Int(command[4])
            guard offset < Self.file.count else { return [0x6B, 0x00] }
            return Self.file.dropFirst(offset).prefix(count) + [0x90, 0x00]
        }
    }

    @Test("One exchange where reader and card take extended lengths")
    func extended() async throws {
        let card = card { () throws(SmartCardError) in Self.file + [0x90, 0x00] }
        #expect(try await channel(card).readObject(file: 1, most: 1_000, length: length) == Self.file)
        #expect(card.commands.count == 1)
    }

    @Test("Pieces of 256 where the card refuses, and it is not asked again")
    func cardRefuses() async throws {
        let card = card { () throws(SmartCardError) in [0x67, 0x00] }
        let channel = channel(card)
        #expect(try await channel.readObject(file: 1, most: 1_000, length: length) == Self.file)
        #expect(card.commands.count == 4)
        _ = try await channel.readObject(file: 1, most: 1_000, length: length)
        #expect(card.commands.count == 7)
    }

    @Test("Pieces of 256 where the reader refuses, for every card from then on")
    func readerRefuses() async throws {
        let card = card { () throws(SmartCardError) in throw .transmissionFailed(0x8010_0016) }
        #expect(try await channel(card).readObject(file: 1, most: 1_000, length: length) == Self.file)
        #expect(!card.lengths.allowsExtended(answerToReset: [0x3B, 0x99]))
    }

    @Test(
        "A card that is torn away while a long answer comes was pulled, and says nothing of the reader",
        arguments: [true, false])
    func torn(atOnce: Bool) async {
        // What libccid says of a card that left is SCARD_E_NOT_TRANSACTED, until the reader's state says the same.
        let card = ScriptedTransport(staysPresent: false) { (_, number) throws(SmartCardError) in
            if number == 1, !atOnce { return [0x67, 0x00] }
            throw .transmissionFailed(0x8010_0016)
        }
        await #expect(throws: SmartCardError.cardRemoved) {
            try await channel(card).readObject(file: 1, most: 1_000, length: length)
        }
        #expect(card.lengths.allowsExtended(answerToReset: card.answerToReset))
    }

    @Test("A card that lies there and is not transacted with is an error, and no pulled card")
    func failing() async {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in throw .transmissionFailed(0x8010_0016) }
        await #expect(throws: SmartCardError.transmissionFailed(0x8010_0016)) {
            try await channel(card).readObject(file: 1, most: 1_000, length: length)
        }
        #expect(card.lengths.allowsExtended(answerToReset: card.answerToReset))
    }

    @Test("A length out of bounds, or a file that ends before it, is malformed")
    func outOfBounds() async {
        let card = card { () throws(SmartCardError) in [0x67, 0x00] }
        await #expect(throws: SmartCardError.malformedAnswer) {
            try await channel(card).readObject(file: 1, most: 100, length: length)
        }
        await #expect(throws: SmartCardError.malformedAnswer) {
            try await channel(card).readObject(file: 1, most: 1_000) { _ in 700 }
        }
        await #expect(throws: SmartCardError.malformedAnswer) {
            try await channel(card).readObject(file: 1, most: 1_000) { _ in nil }
        }
    }
}
