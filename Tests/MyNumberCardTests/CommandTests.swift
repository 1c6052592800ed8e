@testable import MyNumberCard
import SmartCard
import Synchronization
import Testing

/// What goes to the card, byte by byte, and what its answers mean.
@Suite struct CommandTests {
    /// Answers the same to everything, and keeps what it was sent.
    private final class Answering: CardTransport {
        let link = TransmissionProtocol.t1
        let lengths = LengthMemory()
        let answerToReset: [UInt8] = [0x3B]
        private let answer: [UInt8]
        private let sent = Mutex<[[UInt8]]>([])

        init(_ answer: [UInt8]) { self.answer = answer }
        var commands: [[UInt8]] { sent.withLock { $0 } }
        var channel: CardChannel { CardChannel(self, budget: CardChannel.Budget(deadline: .now + .seconds(60))) }

        func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer {
            sent.withLock { $0.append(command) }
            return RawAnswer(bytes: answer, elapsed: .milliseconds(1))
        }
        func isCardPresent() async -> Bool { true }
        func powerDown() async {}
    }

    @Test(
        "SELECT by the whole DF name",
        arguments: [
            (CardApplication.jpki, [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01] as [UInt8]),
            (.visual, [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02]),
            (.text, [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08]),
        ])
    func select(application: CardApplication, name: [UInt8]) async throws {
        let card = Answering([0x90, 0x00])
        try await card.channel.select(application)
        #expect(card.commands == [[0x00, 0xA4, 0x04, 0x0C, 0x0A] + name])
        await #expect(throws: SmartCardError.status(.fileNotFound)) {
            try await Answering([0x6A, 0x82]).channel.select(application)
        }
    }

    @Test("Files: their application, short identifier and the most that is read of them")
    func files() {
        let files: [(CardFile, CardApplication, UInt8, Int)] = [
            (.tokenInformation, .jpki, 0x06, 160), (.authenticationCertificate, .jpki, 0x0A, 4_096),
            (.authenticationCACertificate, .jpki, 0x0B, 4_096), (.ageRecord, .visual, 0x01, 1_024),
            (.visualInformation, .visual, 0x03, 1_024), (.visualCVCertificate, .visual, 0x04, 1_024),
            (.basicAttributes, .text, 0x02, 2_048), (.textSignature, .text, 0x03, 1_024),
            (.textCVCertificate, .text, 0x04, 1_024), (.textKey, .text, 0x07, 1_024),
        ]
        for (file, application, identifier, most) in files {
            #expect(file.application == application && file.identifier == identifier && file.most == most)
        }
    }

    @Test(
        "Asking for the tries left sends no data; what the card answers",
        arguments: [
            (0x63C0, RetryCounter.blocked), (0x63C1, .left(1)), (0x63C3, .left(3)), (0x63CA, .left(10)),
            (0x6983, .blocked), (0x6984, .blocked), (0x9000, .alreadyVerified), (0x6300, .unknown), (0x6A88, .unknown),
        ] as [(UInt16, RetryCounter)])
    func triesLeft(status: UInt16, counter: RetryCounter) async throws {
        let card = Answering([UInt8(status >> 8), UInt8(status & 0xFF)])
        #expect(try await card.channel.triesLeft(of: .birthDate) == counter)
        #expect(card.commands == [[0x00, 0x20, 0x00, 0x91]])
    }

    @Test(
        "VERIFY: each key's reference",
        arguments: [
            (CardKeyReference.birthDate, CardApplication.visual, 0x91 as UInt8), (.authenticationPIN, .jpki, 0x98),
            (.textPIN, .text, 0x91),
        ])
    func verify(key: CardKeyReference, application: CardApplication, reference: UInt8) async throws {
        #expect(key.application == application)
        let card = Answering([0x90, 0x00])
        #expect(try await card.channel.verify(key, digits: [0x31, 0x32]) == .accepted)
        #expect(card.commands == [[0x00, 0x20, 0x00, reference, 0x02, 0x31, 0x32]])
        for refusal in [[0x63, 0x00], [0x63, 0xC2], [0x69, 0x83], [0x69, 0x84]] as [[UInt8]] {
            #expect(try await Answering(refusal).channel.verify(key, digits: [0x31]) == .refused)
        }
        await #expect(throws: SmartCardError.status(.securityNotSatisfied)) {
            try await Answering([0x69, 0x82]).channel.verify(key, digits: [0x31])
        }
    }

    @Test("The card's own key signs the digest as it is; a signature has 256 bytes and no other number")
    func cardKey() async throws {
        let signature = [UInt8](repeating: 0x5A, count: 256)
        let card = Answering(signature + [0x90, 0x00])
        #expect(try await card.channel.signWithCardKey([0x30, 0x31]) == signature)
        #expect(card.commands == [[0x80, 0x2A, 0x00, 0x00, 0x02, 0x30, 0x31, 0x00]])
        for count in [0, 255, 257] {
            await #expect(throws: SmartCardError.malformedAnswer) {
                try await Answering([UInt8](repeating: 0x5A, count: count) + [0x90, 0x00]).channel.signWithCardKey([1])
            }
        }
    }

    @Test("The length of an object from its head: tags of one to three bytes, lengths of one to three more")
    func lengths() {
        let heads: [([UInt8], Int?)] = [
            ([0x30, 0x00], 2), ([0x30, 0x7F], 129), ([0x30, 0x80], nil), ([0x30, 0x81, 0x80], 131),
            ([0x30, 0x82, 0x01, 0x02], 262), ([0x30, 0x83, 0x01, 0x00, 0x00], 65_541), ([0x30, 0x84, 0, 0, 0, 1], nil),
            ([0x30, 0x82, 0x01], nil), ([0x30], nil), ([], nil), ([0x1E, 0x01, 0xFF], 3),
            // DF21 and its like; the tag's own bytes count.
            ([0x5F, 0x21, 0x05], 8), ([0x7F, 0x4E, 0x81, 0x91], 149), ([0xDF, 0x81, 0x01, 0x02], 6),
            ([0xDF, 0x81, 0x81, 0x01, 0x02], nil), ([0x9F], nil),
        ]
        for (head, length) in heads {
            #expect(objectLength(head[...]) == length, "\(head)")
            // A slice counts from where it begins.
            #expect(objectLength(([0xFF, 0xFF] + head)[2...]) == length, "\(head)")
        }
    }

    @Test("What kind of token it is, from the label alone: 32 bytes, filled up with spaces")
    func token() throws {
        func bytes(_ label: String, count: Int = 160) -> [UInt8] {
            let padded = Array(label.utf8) + [UInt8](repeating: 0x20, count: max(0, 32 - label.utf8.count))
            return Array((padded + [UInt8](repeating: 0, count: 128)).prefix(count))
        }
        let kinds: [(String, TokenInformation.Medium)] = [
            ("JPKIAPICCTOKEN2", .card), ("JPKIAPICCTOKEN", .residentCard), ("JPKIAPGPSETOKEN", .androidPhone),
            ("JPKIAPIOSTOKEN", .iPhone), ("JPKIAPICCTOKEN3", .other), (" JPKIAPICCTOKEN2", .other), ("", .other),
        ]
        for (label, medium) in kinds {
            #expect(try TokenInformation(bytes(label)).medium == medium, "\(label)")
            #expect(try TokenInformation(bytes(label, count: 32)).medium == medium, "\(label)")
        }
        #expect(throws: CardDataError.self) { try TokenInformation(bytes("JPKIAPICCTOKEN2", count: 31)) }
        for byte in [0x1F, 0x7F] as [UInt8] {
            var wrong = bytes("JPKIAPICCTOKEN2")
            wrong[31] = byte
            #expect(throws: CardDataError.self) { try TokenInformation(wrong) }
        }
    }
}
