package import TLV

/// A Name, compared as RFC 5280 7.1 asks: letter case, string type and runs of spaces don't matter.
package struct DistinguishedName: Hashable, Sendable {
    /// Each RDN as its attributes' normal forms, in their order of encoding.
    private let components: [[UInt8]]
    package var isEmpty: Bool { components.isEmpty }

    /// - Parameter encoded: the whole Name, header included; of `Limits.name` bytes at the most.
    package init(encoded: ArraySlice<UInt8>) throws(TLVError) {
        try Self.checkLength(of: encoded)
        var names = try TLVElement.only(.sequence, in: encoded, rules: .der).reader(rules: .der)
        var components: [[UInt8]] = []
        while !names.isAtEnd { components.append(try Self.normalised(names.next(.set))) }
        self.components = components
    }

    /// The normal form as bytes, each RDN after its length.
    package var canonicalBytes: [UInt8] { components.flatMap(Self.afterLength) }

    /// A part after its length in two bytes: a name within its limit has none of 64 KiB or more.
    private static func afterLength(_ part: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: part.count >> 8), UInt8(truncatingIfNeeded: part.count)] + part
    }

    private static func checkLength(of name: ArraySlice<UInt8>) throws(TLVError) {
        guard name.count <= Limits.name else { throw .beyondLimit("a name is longer than \(Limits.name) bytes") }
    }

    /// For an operator: `C=jp, O=jpki, …`, letters in lower case.
    package var text: String {
        let names: [[UInt8]: String] = [
            [0x55, 0x04, 0x06]: "C", [0x55, 0x04, 0x0A]: "O", [0x55, 0x04, 0x0B]: "OU", [0x55, 0x04, 0x03]: "CN",
            [0x55, 0x04, 0x07]: "L", [0x55, 0x04, 0x08]: "ST",
        ]
        var parts: [String] = []
        for component in components {
            var rest = component[...]
            while let high = rest.popFirst(), let low = rest.popFirst() {
                var attribute = rest.prefix(Int(truncatingIfNeeded: high) << 8 | Int(truncatingIfNeeded: low))
                rest = rest.dropFirst(attribute.count)
                let type = Array(attribute.dropFirst().prefix(Int(truncatingIfNeeded: attribute.first ?? 0)))
                attribute = attribute.dropFirst(1 + type.count)
                let isText = attribute.first == 0x0C
                let value = isText ? String(decoding: attribute.dropFirst(), as: UTF8.self) : "…"
                parts.append("\(names[type] ?? OID(bytes: type).description)=\(value)")
            }
        }
        return parts.joined(separator: ", ")
    }

    private init(components: [[UInt8]]) { self.components = components }

    /// This name with one more RDN: how a nameRelativeToCRLIssuer becomes whole (RFC 5280 4.2.1.13).
    package func appending(relative: TLVElement) throws(TLVError) -> DistinguishedName {
        try Self.checkLength(of: relative.encoded)
        return DistinguishedName(components: components + [try Self.normalised(relative)])
    }

    private static func normalised(_ rdn: TLVElement) throws(TLVError) -> [UInt8] {
        var attributes = rdn.reader(rules: .der)
        var forms: [[UInt8]] = []
        repeat {
            var attribute = try attributes.next(.sequence).reader(rules: .der)
            let type = try attribute.next().objectIdentifier()
            let value = try attribute.next()
            try attribute.end()
            // An identifier has 64 bytes at the most.
            let length = UInt8(truncatingIfNeeded: type.bytes.count)
            forms.append([length] + type.bytes + normalised(value: value))
        } while !attributes.isAtEnd
        // A SET has no order.
        forms.sort { $0.lexicographicallyPrecedes($1) }
        let normalised = forms.flatMap(afterLength)
        guard normalised.count <= UInt16.max else { throw .beyondLimit("a name is too long in its normal form") }
        return normalised
    }

    /// Nil where a character is not ASCII.
    private static func normalisedASCII(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var normalised: [UInt8] = []
        normalised.reserveCapacity(text.count)
        var isAfterSpace = false
        for byte in text {
            guard byte < 0x80 else { return nil }
            guard byte != 0x20 else {
                isAfterSpace = true
                continue
            }
            if isAfterSpace, !normalised.isEmpty { normalised.append(0x20) }
            isAfterSpace = false
            normalised.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
        }
        return normalised
    }

    private static func normalised(value: TLVElement) -> [UInt8] {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString.
        guard [0x0C, 0x12, 0x13, 0x16, 0x1A].contains(value.tag) else { return Array(value.encoded) }
        if let normalised = normalisedASCII(value.contents) { return [0x0C] + normalised }
        guard let text = String(validating: value.contents, as: UTF8.self)
        else { return Array(value.encoded) }
        let words = text.lowercased().split(separator: " ")
        return [0x0C] + Array(words.joined(separator: " ").utf8)
    }
}
