import CPCSC
import Testing

@testable import SmartCard

@Suite("What PC/SC says of readers and cards")
struct ReaderStateTests {
    private func state(_ flags: Int32..., changes: UInt32 = 1) -> ReaderState {
        ReaderState(name: "reader", flags: flags.reduce(changes << 16) { $0 | UInt32($1) })
    }

    @Test("A reader whose name is no text, or would write on a terminal, is none; the others are there")
    func strangeNames() throws {
        let list: [UInt8] =
            Array("Evil ".utf8) + [0xFF, 0] + Array("A\u{1B}[2J".utf8) + [0] + Array("B".utf8) + [0, 0]
        let names = try PCSCContext.names { room, count in
            room?.update(from: list.map(CChar.init(bitPattern:)), count: list.count)
            count = DWORD(list.count)
            return 0
        }
        #expect(names == ["B"])
    }

    @Test("Beside a reader fourteen others are watched, as they are known: PC/SC takes sixteen, and the bell is one")
    func watched() {
        let names = (0..<16).map { "slot \($0)" }
        let known = ReaderState(name: "slot 2", flags: 0x0002_0020)
        let others = ReaderMonitor.watched(names, as: [known], besides: "slot 0")
        #expect(others.count == 14 && !others.contains { $0.name == "slot 0" })
        #expect(others.contains(known) && others.first == ReaderState(name: "slot 1"))
    }

    private static let noReaders = LONG(0x8010_002E)

    /// PC/SC's two answers to who asks for the list.
    private func names(_ list: String, known: String? = nil, _ codes: LONG...) throws(SmartCardError) -> [String] {
        var answers = 0
        return try PCSCContext.names { room, count in
            defer { answers += 1 }
            let text = Array((room == nil ? known ?? list : list).utf8.map(CChar.init(bitPattern:)))
            #expect(room == nil ? count == 0 : count >= text.count)
            room?.update(from: text, count: text.count)
            count = DWORD(text.count)
            return codes[answers]
        }
    }

    @Test("Names of readers end with a NUL each, and their list with one more")
    func names() throws {
        let two = "ACS ACR122U 00 00\u{0}カード 01 00\u{0}\u{0}"
        #expect(try names(two, 0, 0) == ["ACS ACR122U 00 00", "カード 01 00"])
        // One that came between the two calls.
        #expect(try names(two, known: "ACS ACR122U 00 00\u{0}\u{0}", 0, 0).count == 2)
        // None, or none any more.
        #expect(try names("\u{0}", Self.noReaders) == [] && names("\u{0}", 0, Self.noReaders) == [])
        #expect(throws: SmartCardError.serviceUnavailable) { try names(two, 0x8010_001D) }
        #expect(throws: SmartCardError.serviceUnavailable) { try names(two, 0, 0x8010_001D) }
    }

    @Test("A card that somebody reset is taken three times, and no more")
    func begun() {
        let reset = LONG(0x8010_0068)
        func begun(_ answers: LONG...) -> (status: LONG, resets: Int) {
            var (asked, resets) = (0, 0)
            let status = Lane.begun {
                defer { asked += 1 }
                return answers[min(asked, answers.count - 1)]
            } afterReset: {
                resets += 1
            }
            return (status, resets)
        }
        #expect(begun(0) == (0, 0) && begun(0x8010_0069) == (0x8010_0069, 0))
        #expect(begun(reset, 0) == (0, 1) && begun(reset, reset, reset, 0) == (0, 3))
        #expect(begun(reset) == (reset, 3))
    }

    @Test("What is remembered of lengths is remembered by reader, of sixteen of them")
    func memories() {
        let memories = LengthMemories()
        memories.of("0").readerRefused()
        for number in 0..<16 { #expect(memories.of("\(number)").allowsExtended(answerToReset: []) == (number > 0)) }
        _ = memories.of("16")
        #expect(memories.of("0").allowsExtended(answerToReset: []))
    }

    @Test("Other readers are told of with their cards, those that are gone are not")
    func others() {
        let states = [state(SCARD_STATE_PRESENT), state(SCARD_STATE_EMPTY), state(SCARD_STATE_UNKNOWN)]
        #expect(
            ReaderMonitor.described(states) == [
                OtherReader(name: "reader", card: true), OtherReader(name: "reader", card: false),
            ])
    }

    @Test("The protocol that was agreed on")
    func link() {
        #expect(TransmissionProtocol(active: DWORD(SCARD_PROTOCOL_T0)) == .t0)
        #expect(TransmissionProtocol(active: DWORD(SCARD_PROTOCOL_T1)) == .t1)
        // Contactless readers say T=1, and some nothing.
        #expect(TransmissionProtocol(active: 0) == .t1)
    }

    @Test("A reader's flags, each by itself")
    func flags() {
        #expect(state(SCARD_STATE_PRESENT).isPresent && !state(SCARD_STATE_PRESENT).isGone)
        #expect(!state(SCARD_STATE_EMPTY).isPresent && !state(SCARD_STATE_EMPTY).isGone)
        for flag in [SCARD_STATE_UNKNOWN, SCARD_STATE_UNAVAILABLE, SCARD_STATE_IGNORE] {
            #expect(state(flag).isGone && !state(flag).isPresent)
        }
        // 0x0001 0000 and more count changes, and are no flags.
        #expect(state(SCARD_STATE_EMPTY, changes: 0x20).changes == 0x20)
        #expect(ReaderState(name: "reader").flags == 0)
    }

    @Test("A card that comes, goes, or went and came between two looks")
    func changes() {
        let here = state(SCARD_STATE_PRESENT, changes: 3)
        let empty = state(SCARD_STATE_EMPTY, changes: 4)
        #expect(ReaderMonitor.changes(from: empty, to: here) == [.cardInserted(reader: "reader")])
        #expect(ReaderMonitor.changes(from: here, to: empty) == [.cardRemoved])
        #expect(ReaderMonitor.changes(from: empty, to: state(SCARD_STATE_EMPTY, changes: 6)) == [])
        // In use, or one change that leaves it there: the same card.
        #expect(ReaderMonitor.changes(from: here, to: state(SCARD_STATE_PRESENT, SCARD_STATE_INUSE, changes: 3)) == [])
        #expect(ReaderMonitor.changes(from: here, to: state(SCARD_STATE_PRESENT, changes: 4)) == [])
        #expect(
            ReaderMonitor.changes(from: here, to: state(SCARD_STATE_PRESENT, changes: 5))
                == [.cardRemoved, .cardInserted(reader: "reader")])
        // The first look knows of no change before it.
        #expect(
            ReaderMonitor.changes(
                from: state(SCARD_STATE_PRESENT, changes: 0), to: state(SCARD_STATE_PRESENT, changes: 9)) == [])
    }
}
