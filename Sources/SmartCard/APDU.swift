/// SW1–SW2 of a response (ISO/IEC 7816-4, 5.6).
package struct StatusWord: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package init(integerLiteral value: UInt16) { rawValue = value }

    package static let ok: StatusWord = 0x9000
    package static let endOfFile: StatusWord = 0x6282
    package static let wrongLength: StatusWord = 0x6700
    package static let securityNotSatisfied: StatusWord = 0x6982
    package static let methodBlocked: StatusWord = 0x6983
    /// What My Number Cards answer for a blocked key.
    package static let keyBlocked: StatusWord = 0x6984
    package static let conditionsNotSatisfied: StatusWord = 0x6985
    package static let fileNotFound: StatusWord = 0x6A82
    package static let offsetBeyondEnd: StatusWord = 0x6B00
    package static let internalError: StatusWord = 0x6F00

    package var sw1: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 8) }
    package var sw2: UInt8 { UInt8(truncatingIfNeeded: rawValue & 0xFF) }

    /// x of 63Cx: tries left. Nil for 6300 and everything else.
    package var triesLeft: Int? { rawValue & 0xFFF0 == 0x63C0 ? Int(truncatingIfNeeded: rawValue & 0x0F) : nil }

    package var description: String {
        let text = String(rawValue, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - text.count) + text  // safe: 16 bits have four digits at the most
    }
}

/// How much of an answer a command asks for.
package enum ExpectedLength: Hashable, Sendable {
    /// No Le.
    case none
    /// 1…256.
    case short(Int)
    /// Extended Le of 65,536.
    case extended
}

/// A command (ISO/IEC 7816-4, 5.1) of up to 255 data bytes.
package struct CommandAPDU: Hashable, Sendable {
    package var cla, ins, p1, p2: UInt8
    package var data: [UInt8]
    package var expected: ExpectedLength

    package init(
        cla: UInt8 = 0x00, ins: UInt8, p1: UInt8, p2: UInt8, data: [UInt8] = [], expected: ExpectedLength = .none
    ) {
        (self.cla, self.ins, self.p1, self.p2) = (cla, ins, p1, p2)
        self.data = data
        self.expected = expected
    }

    /// The bytes that go over `link`.
    /// - Throws: `malformedAnswer` never; data of more than 255 bytes is `transmissionFailed(0)`.
    package func encoded(for link: TransmissionProtocol) throws(SmartCardError) -> [UInt8] {
        guard data.count <= 255 else { throw .transmissionFailed(0) }
        let header = [cla, ins, p1, p2]
        let body = data.isEmpty ? [] : [UInt8(truncatingIfNeeded: data.count)] + data
        switch (link, expected) {
        // T=0 carries no Le after data (the card answers 61xx), and its case 1 has P3 = 00 (ISO/IEC 7816-3, 12.2).
        case (.t0, .short(let length)) where data.isEmpty: return header + [UInt8(truncatingIfNeeded: length & 0xFF)]
        case (.t0, _): return header + (data.isEmpty ? [0x00] : body)
        case (.t1, .none): return header + body
        case (.t1, .short(let length)): return header + body + [UInt8(truncatingIfNeeded: length & 0xFF)]
        case (.t1, .extended):
            // All lengths of one command are extended or none is.
            let extendedBody = data.isEmpty ? [0x00] : [0x00, 0x00, UInt8(truncatingIfNeeded: data.count)] + data
            return header + extendedBody + [0x00, 0x00]
        }
    }
}

extension CommandAPDU {
    /// Bytes that a card may answer to a command: as many as its Le allows, and a status word.
    static func mostAnswer(to encoded: [UInt8]) -> Int {
        let isExtended = encoded.count > 5 && encoded.dropFirst(4).first == 0
        return (isExtended ? 65_536 : 256) + 2
    }
}

/// A card's answer: data and status word apart.
package struct ResponseAPDU: Hashable, Sendable {
    package let data: [UInt8]
    package let status: StatusWord

    package init(data: [UInt8], status: StatusWord) {
        self.data = data
        self.status = status
    }

    /// - Throws: `cardRemoved` for fewer than two bytes: vpcd and some readers report a torn card as a success
    ///   with nothing in it.
    package init(_ bytes: [UInt8]) throws(SmartCardError) {
        guard let sw2 = bytes.last, let sw1 = bytes.dropLast().last else { throw .cardRemoved }
        self.init(
            data: Array(bytes.dropLast(2)),
            status: StatusWord(rawValue: UInt16(truncatingIfNeeded: sw1) << 8 | UInt16(truncatingIfNeeded: sw2)))
    }
}

/// The link between reader and card.
package enum TransmissionProtocol: Sendable { case t0, t1 }
