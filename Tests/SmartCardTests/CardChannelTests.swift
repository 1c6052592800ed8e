@testable import SmartCard
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

    @Test(
        "Success is 9000 alone: any other status is told, whatever came with it",
        arguments: [0x9001, 0x9100, 0x6200, 0x6282, 0x63C5, 0x6A82] as [UInt16])
    func onlySuccess(status: UInt16) async throws {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in
            [0xAA, UInt8(status >> 8), UInt8(status & 0xFF)]
        }
        await #expect(throws: SmartCardError.status(StatusWord(rawValue: status))) {
            try await channel(card).sendExpectingSuccess(command)
        }
        let good = ScriptedTransport { (_, _) throws(SmartCardError) in [0xAA, 0x90, 0x00] }
        #expect(try await channel(good).sendExpectingSuccess(command) == [0xAA])
    }

    @Test("An exchange and a byte more than a presence may cost are not paid; the last ones are")
    func lastOfTheBudget() async throws {
        let card = ScriptedTransport { (_, _) throws(SmartCardError) in [0xAA, 0x90, 0x00] }
        var budget = CardChannel.Budget(deadline: .now + .seconds(60))
        budget.exchanges = 2
        let two = CardChannel(card, budget: budget)
        for _ in 0..<2 { #expect(try await two.send(command).data == [0xAA]) }
        await #expect(throws: SmartCardError.budgetExceeded) { try await two.send(command) }
        #expect(card.commands.count == 2 && two.exchanges == 2 && two.cardTime == .milliseconds(2))
        // Five bytes there, three back.
        for (bytes, isEnough) in [(8, true), (7, false)] {
            budget = CardChannel.Budget(deadline: .now + .seconds(60))
            budget.bytes = bytes
            let channel = CardChannel(card, budget: budget)
            if isEnough {
                #expect(try await channel.send(command).data == [0xAA])
            } else {
                await #expect(throws: SmartCardError.budgetExceeded) { try await channel.send(command) }
            }
        }
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

    @Test("Offsets of fifteen bits are read, and none beyond")
    func farthest() async throws {
        let whole = [UInt8](repeating: 0x5A, count: 0x8200)
        let card = ScriptedTransport(link: .t0) { (command, _) throws(SmartCardError) in
            let offset = command[2] & 0x80 != 0 ? Int(command[3]) : Int(command[2]) << 8 | Int(command[3])
            let count = command[4] == 0 ? 256 : Int(command[4])
            return whole.dropFirst(offset).prefix(count) + [0x90, 0x00]
        }
        func read(_ total: Int) async throws -> Int {
            var budget = CardChannel.Budget(deadline: .now + .seconds(60))
            (budget.exchanges, budget.bytes) = (1_000, 1 << 20)
            return try await CardChannel(card, budget: budget).readObject(file: 1, most: 0x8200) { _ in total }.count
        }
        // Its last piece begins at 7F00.
        #expect(try await read(0x8000) == 0x8000)
        #expect(card.commands.last.map { Array($0[2...3]) } == [0x7F, 0x00])
        await #expect(throws: SmartCardError.malformedAnswer) { try await read(0x8001) }
    }

    @Test("A last byte at 7FFF is read: where a card gave a piece that was shorter")
    func lastOffset() async throws {
        let card = ScriptedTransport(link: .t0) { (command, _) throws(SmartCardError) in
            let offset = command[2] & 0x80 != 0 ? Int(command[3]) : Int(command[2]) << 8 | Int(command[3])
            return Array(repeating: 0x5A, count: offset == 0 ? 255 : offset == 0x7FFF ? 1 : 256) + [0x90, 0x00]
        }
        var budget = CardChannel.Budget(deadline: .now + .seconds(60))
        (budget.exchanges, budget.bytes) = (1_000, 1 << 20)
        let read = try await CardChannel(card, budget: budget).readObject(file: 1, most: 0x8000) { _ in 0x8000 }
        #expect(read.count == 0x8000 && card.commands.last.map { Array($0[2...3]) } == [0x7F, 0xFF])
    }

    @Test(
        "A card that is torn away while a long answer comes was pulled, and says nothing of the reader",
        arguments: [true, false], [SmartCardError.transmissionFailed(0x8010_0016), .cardUnresponsive])
    func torn(atOnce: Bool, error: SmartCardError) async {
        // What libccid says of a card that left is SCARD_E_NOT_TRANSACTED, until the reader's state says the same.
        let card = ScriptedTransport(staysPresent: false) { (_, number) throws(SmartCardError) in
            if number == 1, !atOnce { return [0x67, 0x00] }
            throw error
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

@Suite struct LengthMemoryTests {
    @Test("A reader's refusal counts for every card, a card's for its answer to reset; the oldest of many is forgotten")
    func memory() {
        let memory = LengthMemory()
        func reset(_ number: Int) -> [UInt8] { [0x3B, UInt8(number)] }
        #expect(memory.allowsExtended(answerToReset: reset(0)))
        for number in 0..<32 {
            memory.cardRefused(answerToReset: reset(number))
            memory.cardRefused(answerToReset: reset(number))
        }
        for number in 0..<32 { #expect(!memory.allowsExtended(answerToReset: reset(number))) }
        #expect(memory.allowsExtended(answerToReset: reset(32)))
        memory.cardRefused(answerToReset: reset(32))
        #expect(memory.allowsExtended(answerToReset: reset(0)))
        for number in 1...32 { #expect(!memory.allowsExtended(answerToReset: reset(number))) }
        memory.readerRefused()
        #expect(!memory.allowsExtended(answerToReset: reset(0)) && !memory.allowsExtended(answerToReset: reset(99)))
    }
}

@Suite struct ReaderChoiceTests {
    @Test("The first reader whose name holds the filter; without a filter the first")
    func chosen() {
        let names = ["Alpha 00 00", "Beta 00 00", "Beta 00 01"]
        #expect(ReaderMonitor.chosen(of: names, filter: "") == "Alpha 00 00")
        #expect(ReaderMonitor.chosen(of: names, filter: "Beta") == "Beta 00 00")
        #expect(ReaderMonitor.chosen(of: names, filter: "00 01") == "Beta 00 01")
        #expect(ReaderMonitor.chosen(of: names, filter: "beta") == nil)
        #expect(ReaderMonitor.chosen(of: [], filter: "") == nil)
    }

    @Test("PC/SC's answers, each by its name")
    func statuses() {
        let names: [(UInt32, SmartCardError)] = [
            (0x8010_0002, .cancelled), (0x8010_000A, .timedOut), (0x8010_001D, .serviceUnavailable),
            (0x8010_001E, .serviceUnavailable), (0x8010_0013, .serviceUnavailable), (0x8010_0003, .serviceUnavailable),
            (0x8010_006A, .serviceUnavailable), (0x8010_0009, .readerUnavailable), (0x8010_0017, .readerUnavailable),
            (0x8010_002E, .readerUnavailable), (0x8010_000B, .sharingViolation), (0x8010_000C, .cardRemoved),
            (0x8010_0069, .cardRemoved), (0x8010_0067, .cardRemoved), (0x8010_0068, .cardReset),
            (0x8010_0066, .cardUnresponsive), (0x8010_000F, .cardUnresponsive),
            (0x8010_0016, .transmissionFailed(0x8010_0016)), (0x8010_0001, .transmissionFailed(0x8010_0001)),
        ]
        func meaning(_ code: UInt32) -> SmartCardError? {
            do throws(SmartCardError) {
                try pcsc(Int(code))
                return nil
            } catch {
                return error
            }
        }
        for (code, error) in names { #expect(meaning(code) == error) }
        #expect(meaning(0) == nil)
    }

    @Test("What a reader's state says: a card, a reader that is gone, and the count of changes in the upper half")
    func states() {
        #expect(ReaderState(name: "r", flags: 0x0020).isPresent && !ReaderState(name: "r", flags: 0x0010).isPresent)
        for flag in [0x0004, 0x0008, 0x0001] as [UInt32] { #expect(ReaderState(name: "r", flags: flag).isGone) }
        #expect(!ReaderState(name: "r", flags: 0x0032).isGone)
        #expect(ReaderState(name: "r", flags: 0x0007_0022).changes == 7)
    }
}
