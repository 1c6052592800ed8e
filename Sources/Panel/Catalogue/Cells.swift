/// Text for a character display: one byte a cell in JIS X 0201.
package enum Cells {
    /// The display's bytes; nil when a character has no cell. A dakuten takes a cell of its own, so a precomposed kana
    /// does not pass.
    package static func encode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            switch scalar.value {
            // 5C is the yen sign and 7E an overline in JIS X 0201; 7F is none.
            case 0x20...0x5B, 0x5D...0x7D: bytes.append(UInt8(scalar.value))
            case 0xFF61...0xFF9F: bytes.append(UInt8(scalar.value - 0xFEC0))
            default: return nil
            }
        }
        return bytes
    }

    /// How many cells a text takes.
    package static func count(_ text: String) -> Int { text.unicodeScalars.count }

    /// `text` with spaces up to `width` cells.
    package static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - count(text)))
    }
}
