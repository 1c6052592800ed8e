import Dispatch
import FuzzDriver
import SmartCard
import Synchronization

/// A card that answers with pieces of the input: a length byte, then so many bytes.
final class FuzzedCard: CardTransport {
    let link: TransmissionProtocol
    let lengths = LengthMemory()
    let answerToReset: [UInt8] = []
    private let rest: Mutex<ArraySlice<UInt8>>
    let exchanges = Mutex(0)

    init(_ bytes: [UInt8]) {
        link = (bytes.first ?? 0) & 1 == 0 ? .t0 : .t1
        rest = Mutex(bytes.dropFirst())
    }

    func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer {
        exchanges.withLock { $0 += 1 }
        let answer = rest.withLock { rest -> [UInt8] in
            guard let count = rest.popFirst() else { return [0x61, 0x01] }
            defer { rest = rest.dropFirst(Int(count)) }
            return Array(rest.prefix(Int(count)))
        }
        return RawAnswer(bytes: answer, elapsed: .zero)
    }

    func isCardPresent() async -> Bool { true }

    func powerDown() async {}
}

fuzz { bytes in
    let done = DispatchSemaphore(value: 0)
    let card = FuzzedCard(bytes)
    Task {
        let channel = CardChannel(card, budget: CardChannel.Budget(deadline: .now + .seconds(5)))
        _ = try? await channel.send(CommandAPDU(ins: 0xA4, p1: 4, p2: 12, data: [1], expected: .none))
        _ = try? await channel.readObject(file: 1, most: 4_096) { head in
            head.count < 2 ? nil : Int(head[head.startIndex]) << 8 | Int(head[head.startIndex + 1])
        }
        done.signal()
    }
    done.wait()
    precondition(card.exchanges.withLock { $0 } <= 64)
}
