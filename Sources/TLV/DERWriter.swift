/// Builds DER (X.690) from the inside out.
package enum DER {
    package static func object(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        [tag] + length(contents.count) + contents
    }
    package static func sequence(_ parts: [UInt8]...) -> [UInt8] { object(0x30, parts.flatMap { $0 }) }
    package static func set(_ parts: [UInt8]...) -> [UInt8] { object(0x31, parts.flatMap { $0 }) }
    package static func octets(_ contents: [UInt8]) -> [UInt8] { object(0x04, contents) }
    package static func bits(_ contents: [UInt8]) -> [UInt8] { object(0x03, [0x00] + contents) }
    package static func oid(_ bytes: [UInt8]) -> [UInt8] { object(0x06, bytes) }
    package static let null: [UInt8] = [0x05, 0x00]
    package static let yes: [UInt8] = [0x01, 0x01, 0xFF]
    package static func utf8(_ text: String) -> [UInt8] { object(0x0C, Array(text.utf8)) }
    package static func printable(_ text: String) -> [UInt8] { object(0x13, Array(text.utf8)) }

    /// A non-negative number given big-endian.
    package static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let trimmed = Array(bytes.drop { $0 == 0 })
        let value = trimmed.isEmpty ? [0] : trimmed
        return object(0x02, (value.first ?? 0) & 0x80 != 0 ? [0] + value : value)
    }

    package static func integer(_ value: Int) -> [UInt8] {
        integer((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) })
    }

    /// UTCTime up to 2049, GeneralizedTime after (RFC 5280 4.1.2.5).
    package static func time(_ seconds: Int64) -> [UInt8] {
        let text = CivilTime(secondsSince1970: seconds).rfc3339.filter(\.isNumber) + "Z"
        return seconds < 2_524_608_000 ? object(0x17, Array(text.dropFirst(2).utf8)) : object(0x18, Array(text.utf8))
    }

    package static func length(_ count: Int) -> [UInt8] {
        guard count >= 0x80 else { return [UInt8(truncatingIfNeeded: count)] }
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }.drop { $0 == 0 }
        return [0x80 | UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
