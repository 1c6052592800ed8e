/// A tag in the notation of ISO/IEC 7816-4: its one to three bytes, read as one number (`0x30`, `0x7F21`, `0xDF11`).
package struct Tag: Hashable, Sendable, ExpressibleByIntegerLiteral {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package init(integerLiteral value: UInt32) { rawValue = value }

    package static let boolean: Tag = 0x01
    package static let integer: Tag = 0x02
    package static let bitString: Tag = 0x03
    package static let octetString: Tag = 0x04
    package static let null: Tag = 0x05
    package static let objectIdentifier: Tag = 0x06
    package static let enumerated: Tag = 0x0A
    package static let utcTime: Tag = 0x17
    package static let generalizedTime: Tag = 0x18
    package static let sequence: Tag = 0x30
    package static let set: Tag = 0x31

    /// Context-specific: `[number]`, constructed or primitive; `number` below 31.
    package static func context(_ number: UInt32, constructed: Bool) -> Tag {
        Tag(rawValue: (constructed ? 0xA0 : 0x80) | (number & 0x1F))
    }
}

/// What a reader of this room says of bytes it will not take.
package enum TLVError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end inside a tag, a length or a value.
    case truncated
    /// A tag of more than three bytes, or, in DER, of more than one.
    case tagTooLong
    /// A length field of more than four bytes, or the indefinite form.
    case lengthUnusable
    /// DER asks for the shortest form of a length or a value (X.690, 10.1 and 8.3.2).
    case notMinimal
    /// Another tag stands where this one was asked for.
    case unexpectedTag(Tag)
    /// Bytes follow where the object should end.
    case trailingBytes
    /// The contents do not fit the type.
    case badValue
    /// It is longer, or has more parts, than whoever reads it takes: what, in words.
    case beyondLimit(String)

    /// For an operator, as the end of a sentence about the object.
    package var description: String {
        switch self {
        case .truncated: "it ends before its end"
        case .tagTooLong: "a tag is too long"
        case .lengthUnusable: "a length has a form that is not taken (X.690 8.1.3)"
        case .notMinimal: "a length or a value is not in its shortest form (X.690 10.1)"
        case .unexpectedTag(let tag):
            "another kind of value (tag \(String(tag.rawValue, radix: 16))) stands in its place"
        case .trailingBytes: "bytes follow where it should end"
        case .badValue: "a value does not fit its type"
        case .beyondLimit(let what): what
        }
    }
}

/// One data object: its tag, the whole of it as stored, and its contents. Both slices share the reader's bytes.
package struct TLVElement: Sendable, Equatable {
    package let tag: Tag
    /// Tag, length and value as they stand in the file: what signatures cover.
    package let encoded: ArraySlice<UInt8>
    package let contents: ArraySlice<UInt8>
}

/// The beginning of a data object: what it is and how many bytes follow.
package struct TLVHeader: Sendable, Equatable {
    package let tag: Tag
    package let length: Int
}

/// A bounded reader of data objects, one after another, over bytes it does not copy. It never recurses: the contents
/// of a constructed object are read by another reader.
package struct TLVReader: Sendable {
    package enum Rules: Sendable {
        /// BER-TLV as cards store it (ISO/IEC 7816-4, 5.2.2): lengths may be longer than need be, and FF filler may
        /// follow the last object.
        case ber
        /// X.690 DER: one-byte tags, shortest lengths, nothing after the last object.
        case der
    }

    private let rules: Rules
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>, rules: Rules) {
        self.rest = bytes
        self.rules = rules
    }

    package init(_ bytes: [UInt8], rules: Rules) { self.init(bytes[...], rules: rules) }

    /// True when no object is left; FF filler at the end of a card's file counts as the end.
    package var isAtEnd: Bool {
        switch rules {
        case .der: rest.isEmpty
        // A tag of the applications begins with FF too (FF10), so only a tail of nothing but FF is filler.
        case .ber: rest.allSatisfy { $0 == 0xFF }
        }
    }

    /// The next object.
    /// - Throws: `truncated` at the end, and whatever is wrong with the object's header.
    package mutating func next() throws(TLVError) -> TLVElement {
        let start = rest
        let tag = try readTag()
        let length = try readLength()
        guard rest.count >= length else { throw .truncated }
        let contents = rest.prefix(length)
        rest = rest.dropFirst(length)
        let encoded = start.prefix(contents.endIndex - start.startIndex)
        return TLVElement(tag: tag, encoded: encoded, contents: contents)
    }

    /// Tag and length of the next object, whose contents need not be there yet: for objects that are read as they come.
    package mutating func nextHeader() throws(TLVError) -> TLVHeader {
        TLVHeader(tag: try readTag(), length: try readLength())
    }

    /// Bytes that were not read yet.
    package var bytesLeft: Int { rest.count }

    /// The next object, which must bear `tag`.
    package mutating func next(_ tag: Tag) throws(TLVError) -> TLVElement {
        let element = try next()
        guard element.tag == tag else { throw .unexpectedTag(element.tag) }
        return element
    }

    /// The next object if it bears `tag`; nothing is consumed otherwise.
    package mutating func nextIfPresent(_ tag: Tag) throws(TLVError) -> TLVElement? {
        guard !isAtEnd else { return nil }
        var ahead = self
        let element = try ahead.next()
        guard element.tag == tag else { return nil }
        self = ahead
        return element
    }

    /// Says that nothing may follow.
    package func end() throws(TLVError) {
        guard isAtEnd else { throw .trailingBytes }
    }

    private mutating func byte() throws(TLVError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .truncated }
        return byte
    }

    private mutating func readTag() throws(TLVError) -> Tag {
        var value = UInt32(truncatingIfNeeded: try byte())
        guard value & 0x1F == 0x1F else { return Tag(rawValue: value) }
        guard rules == .ber else { throw .tagTooLong }
        for _ in 0..<2 {
            let next = try byte()
            value = value << 8 | UInt32(truncatingIfNeeded: next)
            if next & 0x80 == 0 { return Tag(rawValue: value) }
        }
        throw .tagTooLong
    }

    private mutating func readLength() throws(TLVError) -> Int {
        let first = try byte()
        guard first & 0x80 != 0 else { return Int(truncatingIfNeeded: first) }
        let count = Int(truncatingIfNeeded: first & 0x7F)
        guard (1...4).contains(count) else { throw .lengthUnusable }
        var length = 0
        for _ in 0..<count { length = length << 8 | Int(truncatingIfNeeded: try byte()) }
        if rules == .der {
            guard length >= 0x80, count == 1 || length >> (8 * (count - 1)) != 0 else { throw .notMinimal }
        }
        return length
    }
}

extension TLVElement {
    /// The only object in `bytes`, bearing `tag`.
    package static func only(_ tag: Tag, in bytes: ArraySlice<UInt8>, rules: TLVReader.Rules) throws(TLVError)
        -> TLVElement
    {
        var reader = TLVReader(bytes, rules: rules)
        let element = try reader.next(tag)
        try reader.end()
        return element
    }

    /// A reader over the contents.
    package func reader(rules: TLVReader.Rules) -> TLVReader { TLVReader(contents, rules: rules) }
}
