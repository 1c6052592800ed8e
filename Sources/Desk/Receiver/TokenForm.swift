internal import FoundationEssentials
internal import JOSE

/// What a compact token must look like before anything interprets it: its parts, and the JSON in them. JSONDecoder takes
/// the first of two members of one name and others the last, takes 1.0 for 1 and passes over what it was not asked for:
/// receivers that differ there read different tokens.
enum TokenForm {
    /// The header of a compact JWE of the profile (RFC 7516 7.1): no encrypted key, for none is sent (RFC 7518 4.5, 4.6),
    /// a nonce of 96 bits and a tag of 128 (RFC 7518 5.3), and something inside. Nil: it is none.
    static func sealedHeader(_ token: [UInt8]) -> TokenJSON? {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // safe: it has five
        guard parts.count == 5, parts[1].isEmpty, parts[2].count == 16, !parts[3].isEmpty, parts[4].count == 22,
            let header = try? Base64URL.decode(parts[0])  // safe: it has five
        else { return nil }
        return TokenJSON(header)
    }

    /// The header and the claims of a compact JWS (RFC 7515 7.1), each nil when it does not read.
    static func signed(_ token: [UInt8]) -> (header: TokenJSON?, claims: TokenJSON?) {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { return (nil, nil) }
        func json(_ part: ArraySlice<UInt8>) -> TokenJSON? {
            (try? Base64URL.decode(part)).flatMap { TokenJSON($0) }
        }
        return (json(parts[0]), json(parts[1]))  // safe: it has three
    }
}

/// The JSON of tokens: one object of objects, strings without control characters and integers of 64 bits, four deep at
/// most, each member once. It says which members there are; what they are is the decoder's, which comes after.
struct TokenJSON {
    /// By their paths.
    private(set) var members: Set<[String]> = []
    private static let deepest = 4

    /// Nil: it is not of this form.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        Self.skipBlanks(&rest)
        guard readObject(&rest, path: []) else { return nil }
        Self.skipBlanks(&rest)
        guard rest.isEmpty else { return nil }
    }

    private mutating func readObject(_ rest: inout ArraySlice<UInt8>, path: [String]) -> Bool {
        guard path.count < Self.deepest, Self.take("{", &rest) else { return false }
        Self.skipBlanks(&rest)
        if Self.take("}", &rest) { return true }
        repeat {
            Self.skipBlanks(&rest)
            guard let name = Self.readString(&rest), members.insert(path + [name]).inserted else { return false }
            Self.skipBlanks(&rest)
            guard Self.take(":", &rest) else { return false }
            Self.skipBlanks(&rest)
            let isRead =
                switch rest.first {
                case UInt8(ascii: "{"): readObject(&rest, path: path + [name])
                case UInt8(ascii: "\""): Self.readString(&rest) != nil
                default: Self.readInteger(&rest)
                }
            guard isRead else { return false }
            Self.skipBlanks(&rest)
        } while Self.take(",", &rest)
        return Self.take("}", &rest)
    }

    private static func skipBlanks(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }

    private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Nil: none begins or ends here, it does not read, or it has a control character.
    private static func readString(_ rest: inout ArraySlice<UInt8>) -> String? {
        let start = rest
        guard take("\"", &rest) else { return nil }
        var isEscaped = false
        while let byte = rest.first, byte != UInt8(ascii: "\"") {
            let isBackslash = byte == UInt8(ascii: "\\")
            isEscaped = isEscaped || isBackslash
            rest = rest.dropFirst(isBackslash ? 2 : 1)
        }
        guard take("\"", &rest) else { return nil }
        let quoted = start.prefix(start.count - rest.count)
        let text =
            isEscaped
            ? try? JSONDecoder().decode(String.self, from: Data(quoted))
            : String(validating: quoted.dropFirst().dropLast(), as: UTF8.self)
        guard let text, !text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
        else { return nil }
        return text
    }

    /// False: none stands here. What follows its digits, such as a point, is for the reader to refuse.
    private static func readInteger(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let digits = rest.prefix { $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        let text = String(decoding: digits, as: UTF8.self)
        return Int64(text).map { "\($0)" == text || text == "-0" } ?? false  // safe: nil where it is none
    }
}
