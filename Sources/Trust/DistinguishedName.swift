internal import TLV

/// A Name, compared as RFC 5280 7.1 asks: letter case, string type and runs of spaces don't matter.
struct DistinguishedName: Hashable, Sendable {
    /// Each RDN as its attributes' normal forms, in their order of encoding.
    private let components: [[UInt8]]
    var isEmpty: Bool { components.isEmpty }

    /// - Parameter encoded: the whole Name, header included.
    init(encoded: ArraySlice<UInt8>) throws(TLVError) {
        var names = try TLVElement.only(.sequence, in: encoded, rules: .der).reader(rules: .der)
        var components: [[UInt8]] = []
        while !names.isAtEnd { components.append(try Self.normalised(names.next(.set))) }
        self.components = components
    }

    private init(components: [[UInt8]]) { self.components = components }

    /// This name with one more RDN: how a nameRelativeToCRLIssuer becomes whole (RFC 5280 4.2.1.13).
    func appending(relative: TLVElement) throws(TLVError) -> DistinguishedName {
        DistinguishedName(components: components + [try Self.normalised(relative)])
    }

    private static func normalised(_ rdn: TLVElement) throws(TLVError) -> [UInt8] {
        var attributes = rdn.reader(rules: .der)
        var forms: [[UInt8]] = []
        repeat {
            var attribute = try attributes.next(.sequence).reader(rules: .der)
            let type = try attribute.next().objectIdentifier()
            let value = try attribute.next()
            try attribute.end()
            forms.append([UInt8(type.bytes.count)] + type.bytes + normalised(value: value))
        } while !attributes.isAtEnd
        // A SET has no order.
        forms.sort { $0.lexicographicallyPrecedes($1) }
        return forms.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
    }

    private static func normalised(value: TLVElement) -> [UInt8] {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString.
        guard [0x0C, 0x12, 0x13, 0x16, 0x1A].contains(value.tag),
            let text = String(validating: value.contents, as: UTF8.self)
        else { return Array(value.encoded) }
        let words = text.lowercased().split(separator: " ")
        return [0x0C] + Array(words.joined(separator: " ").utf8)
    }
}
