internal import Foundation

/// Messages of the Standard Interchange Protocol 2.00 (3M SIP2): two digits, fixed fields by place, then variable fields
/// `XXvalue|`, then the sequence number AY and the checksum AZ, ended by CR.
package enum SIP2Message {
    /// The negated sum of all bytes up to and with `AZ`, 16 bits, in hex.
    package static func checksum(_ text: some Sequence<UInt8>) -> String {
        let sum = text.reduce(0 as UInt16) { $0 &+ UInt16(truncatingIfNeeded: $1) }
        return String(format: "%04X", Int(truncatingIfNeeded: 0 &- sum))
    }

    /// Puts the sequence number and the checksum behind a message.
    package static func closed(_ message: [UInt8], sequence: Int) -> [UInt8] {
        let text = message + Array("AY\(sequence % 10)AZ".utf8)
        return text + Array((checksum(text) + "\r").utf8)
    }

    /// `YYYYMMDDZZZZHHMMSS`, local time.
    static func date(_ secondsSince1970: Int64) -> String {
        var seconds = time_t(secondsSince1970)  // safe: 64 bits, as Linux's
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            // safe: what the C library made
            format: "%04d%02d%02d    %02d%02d%02d", Int(parts.tm_year) + 1_900, Int(parts.tm_mon) + 1,
            // safe: what the C library made
            Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
    }

    /// What a variable field may hold: neither its end nor the message's.
    static func isField(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255 && text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "|") }
    }

    /// 63: asks for a patron. In language 000, unknown, without a summary.
    /// - Parameter now: seconds since 1970.
    package static func patronInformation(
        institution: String, cardNumber: String, password: String = "", now: Int64
    ) -> String {
        "63000\(date(now))\(String(repeating: " ", count: 10))AO\(institution)|AA\(cardNumber)|AC\(password)|AD|"
    }

    /// 93: logs the self-check in, in plain text.
    package static func login(user: String, password: String) -> String { "9300CN\(user)|CO\(password)|" }

    /// The variable fields behind `fixed` bytes, the first of each name, without the blanks that some systems fill them with.
    /// - Returns: nil when the checksum is there and is wrong, or the message is too short.
    package static func fields(of message: [UInt8], fixed: Int, encoding: JapaneseEncoding = .utf8) -> [String: String]?
    {
        let blanks: Set<UInt8> = [0x00, 0x20]
        let message = Array(message.reversed().drop { blanks.contains($0) }.reversed())
        if let mark = message.lastRange(of: Array("AZ".utf8)), mark.upperBound + 4 == message.count {
            let told = String(decoding: message.suffix(4), as: UTF8.self)
            guard told.uppercased() == checksum(message.dropLast(4)) else { return nil }
        }
        guard message.count >= fixed else { return nil }
        // Read first and cut then: in Shift_JIS the second byte of a character may be that of "|".
        let text = encoding.text(message[fixed...])  // safe: it has so many
        return text.split(separator: "|").reduce(into: [:]) { fields, field in
            guard field.count >= 2 else { return }
            let name = String(field.prefix(2))
            guard fields[name] == nil else { return }
            fields[name] = field.dropFirst(2).trimmingCharacters(in: CharacterSet(charactersIn: " \u{0}\u{3000}"))
        }
    }
}

extension Array where Element == UInt8 {
    fileprivate func lastRange(of mark: [UInt8]) -> Range<Int>? {
        guard count >= mark.count else { return nil }
        return indices.last { self.dropFirst($0).starts(with: mark) }
            .map { $0..<$0 + mark.count }
    }
}

/// What a library's system says of a library card: message 64.
package struct PatronInformation: Sendable, Equatable {
    /// BL; nil where the system does not say.
    package let isValid: Bool?
    /// The first of the fourteen marks of patron status: charging is denied.
    package let isChargingDenied: Bool
    /// AE, the personal name, and AF, a message for the screen.
    package let name: String
    package let screenMessage: String

    /// - Parameter cardNumber: the number that was asked for: an answer about another one is none.
    package init?(_ message: [UInt8], cardNumber: String, encoding: JapaneseEncoding = .utf8) {
        // 64, status 14, language 3, date 18, six counts of 4.
        guard message.starts(with: Array("64".utf8)),
            let fields = SIP2Message.fields(of: message, fixed: 2 + 14 + 3 + 18 + 24, encoding: encoding),
            fields["AA"] == cardNumber
        else { return nil }
        isValid = fields["BL"].map { $0 == "Y" }
        isChargingDenied = message.dropFirst(2).first == UInt8(ascii: "Y")
        (name, screenMessage) = (fields["AE"] ?? "", fields["AF"] ?? "")
    }
}
