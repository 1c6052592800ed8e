internal import Glibc

/// How a library's system writes Japanese. SIP2 itself knows single-byte code pages only.
package enum JapaneseEncoding: String, Sendable, CaseIterable {
    case utf8 = "utf-8"
    case shiftJIS = "shift_jis"
    case eucJP = "euc-jp"

    /// iconv's names: with the characters that Windows adds, which real systems use.
    private var name: String {
        switch self {
        case .utf8: "UTF-8"
        case .shiftJIS: "CP932"
        case .eucJP: "EUC-JP-MS"
        }
    }

    /// What can't be read stands as U+FFFD: a name that is not whole is better than none.
    func text(_ bytes: ArraySlice<UInt8>) -> String {
        guard self != .utf8 else { return String(decoding: bytes, as: UTF8.self) }
        let converted = Self.converted(Array(bytes), from: name, to: "UTF-8", replacement: Array("\u{FFFD}".utf8))
        return String(decoding: converted ?? bytes.map { $0 < 0x80 ? $0 : 0xFF }, as: UTF8.self)
    }

    /// Nil where it has no bytes for a character.
    func bytes(_ text: String) -> [UInt8]? {
        self == .utf8 ? Array(text.utf8) : Self.converted(Array(text.utf8), from: "UTF-8", to: name, replacement: nil)
    }

    /// - Parameter replacement: for a byte that is none of the encoding; nil: then there is no answer.
    private static func converted(_ bytes: [UInt8], from: String, to: String, replacement: [UInt8]?) -> [UInt8]? {
        guard let converter = iconv_open(to, from), Int(bitPattern: converter) != -1 else { return nil }
        defer { iconv_close(converter) }
        var result: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var input = rest.map { CChar(bitPattern: $0) }
            // No encoding of these takes more than four bytes for one.
            var output = [CChar](repeating: 0, count: 4 * input.count)
            var (unread, free) = (input.count, output.count)
            let status: Int = input.withUnsafeMutableBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    var (from, to) = (input.baseAddress, output.baseAddress)
                    return iconv(converter, &from, &unread, &to, &free)
                }
            }
            result += output.prefix(output.count - free).map { UInt8(bitPattern: $0) }
            rest = rest.suffix(unread)
            guard status == -1 else { break }
            guard let replacement else { return nil }
            result += replacement
            rest = rest.dropFirst()
        }
        return result
    }
}
