import Certificates
import TLV
import Testing

/// Writes DER by hand.
func der(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    let count = contents.count
    switch count {
    case ..<0x80: return [tag, UInt8(count)] + contents
    case ..<0x100: return [tag, 0x81, UInt8(count)] + contents
    default: return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + contents
    }
}

/// Names are compared as RFC 5280 7.1 asks.
@Suite struct NameTests {
    private typealias Attribute = (type: UInt8, tag: UInt8, value: [UInt8])

    private func encoded(_ names: [[Attribute]]) -> [UInt8] {
        der(
            0x30,
            names.flatMap { rdn in
                der(0x31, rdn.flatMap { der(0x30, der(0x06, [0x55, 0x04, $0.type]) + der($0.tag, $0.value)) })
            })
    }

    private func name(_ names: [[Attribute]]) throws -> DistinguishedName {
        try DistinguishedName(encoded: encoded(names)[...])
    }

    private func common(_ text: String, tag: UInt8 = 0x0C) throws -> DistinguishedName {
        try name([[(0x03, tag, Array(text.utf8))]])
    }

    @Test("Letter case, string type and runs of spaces do not matter; anything else does")
    func equality() throws {
        let plain = try common("jpki ca")
        for tag in [0x0C, 0x12, 0x13, 0x16, 0x1A] as [UInt8] {
            for text in ["JPKI CA", "  jpki   Ca ", "jpki ca"] {
                #expect(try common(text, tag: tag) == plain, "\(tag) \(text)")
            }
        }
        // TeletexString and BMPString are not read as text.
        #expect(try common("jpki ca", tag: 0x14) != plain)
        #expect(try common("jpki ca", tag: 0x1E) != plain)
        #expect(try common("jpkica") != plain)
        #expect(try common("jpki cb") != plain)
        #expect(try common("ÉCOLE  Ünë") == common("école ünë"))
        // No text at all, but two different ones.
        #expect(try name([[(0x03, 0x0C, [0xFF, 0xFE])]]) != name([[(0x03, 0x0C, [0xFF, 0xFD])]]))
        #expect(try name([]).isEmpty && !plain.isEmpty)
    }

    @Test("The order of RDNs matters, that of the attributes in one does not, nor which RDN they stand in is lost")
    func order() throws {
        let (a, b): (Attribute, Attribute) = ((0x03, 0x0C, [0x61]), (0x0A, 0x0C, [0x62]))
        #expect(try name([[a, b]]) == name([[b, a]]))
        #expect(try name([[a], [b]]) != name([[b], [a]]))
        #expect(try name([[a, b]]) != name([[a], [b]]))
        #expect(try name([[a]]) != name([[(0x0A, 0x0C, [0x61])]]))
    }

    @Test("The canonical form: each RDN and each attribute after its length in two bytes")
    func canonical() throws {
        #expect(
            try common("A").canonicalBytes == [0x00, 0x08, 0x00, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x61])
        let long = try common(String(repeating: "A", count: 0x0203)).canonicalBytes
        #expect(Array(long.prefix(10)) == [0x02, 0x0A, 0x02, 0x08, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x61])
        #expect(long.count == 0x020C)
    }

    @Test("For an operator: known types by their letters, others by number, long values whole")
    func text() throws {
        let utf8: (UInt8, String) -> [Attribute] = { [($0, 0x0C, Array($1.utf8))] }
        let whole = try name([
            utf8(0x06, "JP"), utf8(0x0A, "JPKI"), utf8(0x0B, "unit"), utf8(0x03, "someone"), utf8(0x07, "town"),
            utf8(0x08, "state"), utf8(0x05, "7"),
        ])
        #expect(whole.text == "C=jp, O=jpki, OU=unit, CN=someone, L=town, ST=state, 2.5.4.5=7")
        #expect(try name([[(0x03, 0x1E, [0x00, 0x41])]]).text == "CN=…")
        let long = String(repeating: "a", count: 700)
        #expect(try name([utf8(0x03, long), utf8(0x06, "jp")]).text == "CN=\(long), C=jp")
    }

    @Test("A name has 8 KiB at the most")
    func limit() throws {
        for (count, fits) in [(8_171, true), (8_172, false)] {
            let bytes = encoded([[(0x03, 0x0C, [UInt8](repeating: 0x61, count: count))]])
            #expect(bytes.count == count + 21)
            if fits {
                _ = try DistinguishedName(encoded: bytes[...])
            } else {
                #expect(throws: TLVError.self) { try DistinguishedName(encoded: bytes[...]) }
            }
        }
    }
}
