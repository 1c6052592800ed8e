@testable import SmartCard
import Testing

/// Commands and answers byte by byte (ISO/IEC 7816-3 and 7816-4).
@Suite struct APDUTests {
    @Test("The four cases of a short command, on both links; extended lengths are T=1's alone")
    func encoding() throws {
        let bare = CommandAPDU(cla: 0x80, ins: 0x20, p1: 0x01, p2: 0x91)
        #expect(try bare.encoded(for: .t1) == [0x80, 0x20, 0x01, 0x91])
        #expect(try bare.encoded(for: .t0) == [0x80, 0x20, 0x01, 0x91, 0x00])
        let read = CommandAPDU(ins: 0xB0, p1: 0x8A, p2: 0x02, expected: .short(4))
        #expect(try read.encoded(for: .t1) == [0x00, 0xB0, 0x8A, 0x02, 0x04])
        #expect(try read.encoded(for: .t0) == [0x00, 0xB0, 0x8A, 0x02, 0x04])
        let whole = CommandAPDU(ins: 0xB0, p1: 0, p2: 0, expected: .short(256))
        #expect(try whole.encoded(for: .t1) == [0x00, 0xB0, 0x00, 0x00, 0x00])
        #expect(try whole.encoded(for: .t0) == [0x00, 0xB0, 0x00, 0x00, 0x00])
        let data = CommandAPDU(ins: 0x2A, p1: 0, p2: 0, data: [0xAA, 0xBB], expected: .short(256))
        #expect(try data.encoded(for: .t1) == [0x00, 0x2A, 0x00, 0x00, 0x02, 0xAA, 0xBB, 0x00])
        #expect(try data.encoded(for: .t0) == [0x00, 0x2A, 0x00, 0x00, 0x02, 0xAA, 0xBB])
        let extended = CommandAPDU(ins: 0xB0, p1: 0, p2: 0, expected: .extended)
        #expect(try extended.encoded(for: .t1) == [0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00])
        let both = CommandAPDU(ins: 0x2A, p1: 0, p2: 0, data: [0xAA], expected: .extended)
        #expect(try both.encoded(for: .t1) == [0x00, 0x2A, 0x00, 0x00, 0x00, 0x00, 0x01, 0xAA, 0x00, 0x00])
    }

    @Test("Room for what a card may answer: 256 bytes and a status word, or 65,536")
    func room() throws {
        for (expected, room) in [(ExpectedLength.none, 258), (.short(1), 258), (.short(256), 258), (.extended, 65_538)]
        {
            for data in [[], [0xAA]] as [[UInt8]] {
                let command = CommandAPDU(ins: 0xB0, p1: 0, p2: 0, data: data, expected: expected)
                #expect(CommandAPDU.mostAnswer(to: try command.encoded(for: .t1)) == room, "\(command)")
            }
        }
    }

    @Test("255 bytes of data fit, 256 are refused")
    func mostData() throws {
        let most = CommandAPDU(ins: 0xD6, p1: 0, p2: 0, data: [UInt8](repeating: 1, count: 255))
        #expect(try most.encoded(for: .t1).count == 260)
        let more = CommandAPDU(ins: 0xD6, p1: 0, p2: 0, data: [UInt8](repeating: 1, count: 256))
        #expect(throws: SmartCardError.transmissionFailed(0)) { try more.encoded(for: .t1) }
    }

    @Test("An answer is data and two bytes of status; fewer are a card that was pulled")
    func answers() throws {
        let answer = try ResponseAPDU([0xAB, 0xCD, 0x63, 0xC2])
        #expect(answer.data == [0xAB, 0xCD] && answer.status == 0x63C2)
        #expect(answer.status.sw1 == 0x63 && answer.status.sw2 == 0xC2)
        #expect(try ResponseAPDU([0x90, 0x00]) == ResponseAPDU(data: [], status: .ok))
        for bytes in [[], [0x90]] as [[UInt8]] {
            #expect(throws: SmartCardError.cardRemoved) { try ResponseAPDU(bytes) }
        }
    }

    @Test("Status words: their values, four digits, tries left in 63C0 to 63CF alone")
    func status() {
        let known: [(StatusWord, UInt16)] = [
            (.ok, 0x9000), (.endOfFile, 0x6282), (.wrongLength, 0x6700), (.securityNotSatisfied, 0x6982),
            (.methodBlocked, 0x6983), (.keyBlocked, 0x6984), (.conditionsNotSatisfied, 0x6985),
            (.fileNotFound, 0x6A82), (.offsetBeyondEnd, 0x6B00), (.internalError, 0x6F00),
        ]
        for (word, value) in known { #expect(word.rawValue == value) }
        #expect(StatusWord(rawValue: 0x6A82).description == "6A82")
        #expect(StatusWord(rawValue: 0x000F).description == "000F")
        for tries in 0...15 {
            #expect(StatusWord(rawValue: 0x63C0 | UInt16(tries)).triesLeft == tries)
        }
        for other in [0x6300, 0x63BF, 0x63D0, 0x62C3, 0x9000] as [UInt16] {
            #expect(StatusWord(rawValue: other).triesLeft == nil)
        }
    }
}
