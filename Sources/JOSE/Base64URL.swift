/// base64url without padding (RFC 7515, appendix C). Decoding is strict: one text for one value.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() {
            table[Int(truncatingIfNeeded: character)] = UInt8(truncatingIfNeeded: value)
        }
        return table
    }()

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodedBytes(bytes), as: UTF8.self)
    }

    /// The length of the text of `count` bytes.
    static func count(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    static func encodedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(truncatingIfNeeded: byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                // safe: six bits
                text.append(alphabet[Int(truncatingIfNeeded: buffer >> UInt32(truncatingIfNeeded: bits) & 0x3F)])
            }
        }
        if bits > 0 {
            // safe: six bits
            text.append(alphabet[Int(truncatingIfNeeded: buffer << UInt32(truncatingIfNeeded: 6 - bits) & 0x3F)])
        }
        return text
    }

    /// - Throws: `malformed` for other characters, padding, a length that none has, or bits left over.
    package static func decode(_ text: some Sequence<UInt8>) throws(JOSEError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for character in text {
            let value = values[Int(truncatingIfNeeded: character)]
            guard value != 0xFF else { throw .malformed }
            buffer = buffer << 6 | UInt32(truncatingIfNeeded: value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(truncatingIfNeeded: bits) & 0xFF))
            }
        }
        guard bits < 6, buffer & (1 << UInt32(truncatingIfNeeded: bits) - 1) == 0 else { throw .malformed }
        return bytes
    }
}
