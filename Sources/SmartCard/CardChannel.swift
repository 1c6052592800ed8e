/// One presence's conversation with a card: turns commands into exchanges, follows 61xx and 6Cxx, repeats the first
/// command that a card fresh from power-up answers with 6F00, and ends when the presence has cost enough.
///
/// It is used by one task at a time and is therefore not Sendable.
package final class CardChannel {
    /// What one presence may cost, whatever the card answers.
    package struct Budget: Sendable {
        package var exchanges = 64
        package var bytes = 16 * 1024
        package var deadline: ContinuousClock.Instant

        package init(deadline: ContinuousClock.Instant) { self.deadline = deadline }
    }

    private let transport: any CardTransport
    private var budget: Budget
    /// Exchanges so far, GET RESPONSE and repeats included.
    package private(set) var exchanges = 0
    /// Time spent inside the reader so far: the card's own.
    package private(set) var cardTime = Duration.zero

    package init(_ transport: any CardTransport, budget: Budget) {
        self.transport = transport
        self.budget = budget
    }

    /// Sends `command` and gathers its whole answer.
    package func send(_ command: CommandAPDU) async throws(SmartCardError) -> ResponseAPDU {
        do throws(SmartCardError) {
            return try await gather(command)
        } catch  where error.canBeOfRemoval {
            throw await transport.isCardPresent() ? error : .cardRemoved
        }
    }

    private func gather(_ command: CommandAPDU) async throws(SmartCardError) -> ResponseAPDU {
        let first = exchanges == 0
        var response = try await exchange(command)
        if first, response.status == .internalError, response.data.isEmpty { response = try await exchange(command) }
        // Only a command that asked for an answer can have asked for the wrong length. VERIFY asks for none: whatever a
        // card says, it is sent once.
        if response.status.sw1 == 0x6C, command.expected != .none {
            // The card names the length that it wants to be asked for; asked again, it must not say so again.
            var exact = command
            exact.expected = .short(response.status.sw2 == 0 ? 256 : Int(truncatingIfNeeded: response.status.sw2))
            response = try await exchange(exact)
            guard response.status.sw1 != 0x6C else { throw .malformedAnswer }
        }
        var data = response.data
        while response.status.sw1 == 0x61 {
            let more = response.status.sw2 == 0 ? 256 : Int(truncatingIfNeeded: response.status.sw2)
            response = try await exchange(CommandAPDU(ins: 0xC0, p1: 0, p2: 0, expected: .short(more)))
            data += response.data
        }
        return ResponseAPDU(data: data, status: response.status)
    }

    /// Sends `command`, which must end with 9000.
    package func sendExpectingSuccess(_ command: CommandAPDU) async throws(SmartCardError) -> [UInt8] {
        let response = try await send(command)
        guard response.status == .ok else { throw .status(response.status) }
        return response.data
    }

    /// Ends the presence's conversation: power down.
    package func powerDown() async { await transport.powerDown() }

    private func exchange(_ command: CommandAPDU) async throws(SmartCardError) -> ResponseAPDU {
        guard exchanges < budget.exchanges, budget.bytes > 0 else { throw .budgetExceeded }
        let encoded = try command.encoded(for: transport.link)
        exchanges += 1
        let answer = try await transport.exchange(encoded, deadline: budget.deadline)
        cardTime += answer.elapsed
        budget.bytes -= encoded.count + answer.bytes.count
        guard budget.bytes >= 0 else { throw .budgetExceeded }
        return try ResponseAPDU(answer.bytes)
    }
}

extension CardChannel {
    /// Reads the elementary file with short identifier `file` of the current application, as one object that tells its
    /// own length: `length` is shown what was read so far and says how long the whole is.
    ///
    /// One extended READ BINARY where reader and card take it, pieces of 256 bytes otherwise.
    /// - Parameter most: bytes that the file may have at the most.
    package func readObject(
        file: UInt8, most: Int, length: (ArraySlice<UInt8>) -> Int?
    ) async throws(SmartCardError) -> [UInt8] {
        var data = try await readHead(file: file)
        guard let total = length(data[...]), (1...most).contains(total) else { throw .malformedAnswer }
        while data.count < total {
            let piece = try await read(at: data.count, count: min(256, total - data.count))
            guard !piece.isEmpty else { throw .malformedAnswer }
            data += piece
        }
        data.removeLast(data.count - total)  // safe: it has as many by now
        return data
    }

    private func readHead(file: UInt8) async throws(SmartCardError) -> [UInt8] {
        var command = CommandAPDU(ins: 0xB0, p1: 0x80 | file, p2: 0)
        let (lengths, reset) = (transport.lengths, transport.answerToReset)
        var refusal: (() -> Void)?
        if transport.link == .t1, lengths.allowsExtended(answerToReset: reset) {
            command.expected = .extended
            do throws(SmartCardError) {
                let response = try await gather(command)
                switch response.status {
                case .ok, .endOfFile: return response.data
                case .wrongLength: refusal = { lengths.cardRefused(answerToReset: reset) }
                default: throw SmartCardError.status(response.status)
                }
            } catch .transmissionFailed(_) {
                // A reader for short APDUs only says so in one of many ways.
                refusal = { lengths.readerRefused() }
            } catch  where error.canBeOfRemoval {
                throw await transport.isCardPresent() ? error : .cardRemoved
            }
        }
        command.expected = .short(256)
        let head = try data(of: try await send(command))
        // Only now: a card that left answers neither, and says nothing of anybody's lengths.
        refusal?()
        return head
    }

    private func read(at offset: Int, count: Int) async throws(SmartCardError) -> [UInt8] {
        guard offset <= 0x7FFF else { throw .malformedAnswer }
        return try data(
            of: try await send(
                CommandAPDU(
                    ins: 0xB0, p1: UInt8(truncatingIfNeeded: offset >> 8), p2: UInt8(truncatingIfNeeded: offset & 0xFF),
                    expected: .short(count))))
    }

    private func data(of response: ResponseAPDU) throws(SmartCardError) -> [UInt8] {
        switch response.status {
        case .ok, .endOfFile: return response.data
        case .offsetBeyondEnd: return []
        default: throw .status(response.status)
        }
    }
}
