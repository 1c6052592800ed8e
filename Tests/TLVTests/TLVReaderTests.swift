import TLV
import Testing

@Suite struct TLVReaderTests {
    @Test("Lengths may be longer than need be in BER, and must not in DER")
    func nonMinimalLengths() throws {
        let object: [UInt8] = [0x04, 0x82, 0x00, 0x01, 0xAB]
        var card = TLVReader(object, rules: .ber)
        #expect(try Array(card.next(.octetString).contents) == [0xAB])
        #expect(throws: TLVError.notMinimal) {
            var strict = TLVReader(object, rules: .der)
            _ = try strict.next()
        }
    }

    @Test("The shortest length is each one's own: at 128, 256 and 65536 it takes a byte more")
    func shortestLengths() throws {
        for (count, length) in [
            (0, [0x00]), (0x7F, [0x7F]), (0x80, [0x81, 0x80]), (0xFF, [0x81, 0xFF]), (0x100, [0x82, 0x01, 0x00]),
            (0xFFFF, [0x82, 0xFF, 0xFF]), (0x10000, [0x83, 0x01, 0x00, 0x00]),
        ] as [(Int, [UInt8])] {
            let contents = [UInt8](repeating: 0xAB, count: count)
            #expect(DER.object(0x04, contents) == [0x04] + length + contents)
            var reader = TLVReader([0x04] + length + contents, rules: .der)
            #expect(try Array(reader.next(.octetString).contents) == contents)
        }
        for longer in [[0x81, 0x7F], [0x82, 0x00, 0x81], [0x82, 0x00, 0xFF], [0x83, 0x00, 0x01, 0x00]] as [[UInt8]] {
            let object = [0x04] + longer + [UInt8](repeating: 0, count: 0x200)
            #expect(throws: TLVError.notMinimal, "\(longer)") {
                var reader = TLVReader(object, rules: .der)
                _ = try reader.next()
            }
            var lenient = TLVReader(object, rules: .ber)
            #expect(throws: Never.self) { try lenient.next() }
        }
    }

    @Test("FF after the last object is filler; FF10 is a tag")
    func filler() throws {
        var file = TLVReader([0xFF, 0x10, 0x01, 0x07, 0xFF, 0xFF, 0xFF], rules: .ber)
        let element = try file.next(0xFF10)
        #expect(Array(element.contents) == [0x07])
        #expect(file.isAtEnd)
        try file.end()
    }

    @Test("Tags of two and three bytes")
    func longTags() throws {
        var reader = TLVReader([0x7F, 0x21, 0x00, 0xDF, 0x81, 0x01, 0x00], rules: .ber)
        #expect(try reader.next().tag == 0x7F21)
        #expect(try reader.next().tag == 0xDF8101)
    }

    @Test(
        "What does not fit is refused by name",
        arguments: [
            ([], TLVError.truncated), ([0x30], .truncated), ([0x30, 0x05, 0x00], .truncated),
            ([0x30, 0x80, 0x00, 0x00], .lengthUnusable), ([0x30, 0x85, 1, 0, 0, 0, 0], .lengthUnusable),
            ([0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], .truncated), ([0xDF, 0x81, 0x81, 0x01, 0x00], .tagTooLong),
        ] as [([UInt8], TLVError)])
    func refused(bytes: [UInt8], error: TLVError) {
        #expect(throws: error) {
            var reader = TLVReader(bytes, rules: .ber)
            _ = try reader.next()
        }
    }

    @Test("Trailing bytes after the only object are refused in DER")
    func trailing() {
        #expect(throws: TLVError.trailingBytes) {
            _ = try TLVElement.only(.sequence, in: [0x30, 0x00, 0x00], rules: .der)
        }
    }
}

@Suite struct DERValueTests {
    private func element(_ bytes: [UInt8]) throws -> TLVElement {
        var reader = TLVReader(bytes, rules: .der)
        return try reader.next()
    }

    @Test(
        "Times of RFC 5280",
        arguments: [
            ([0x17, 13] + Array("500101000000Z".utf8), -631_152_000),
            ([0x17, 13] + Array("491231235959Z".utf8), 2_524_607_999),
            ([0x18, 15] + Array("20500101000000Z".utf8), 2_524_608_000),
            ([0x17, 13] + Array("000229120000Z".utf8), 951_825_600),
        ] as [([UInt8], Int64)])
    func times(bytes: [UInt8], seconds: Int64) throws {
        #expect(try element(bytes).time() == seconds)
    }

    @Test(
        "No time",
        arguments: ["990229000000Z", "261301000000Z", "260101240000Z", "26010100000Z", "2601010000000", "26010100006Z"])
    func noTimes(text: String) {
        #expect(throws: TLVError.badValue) { try element([0x17, UInt8(text.utf8.count)] + Array(text.utf8)).time() }
    }

    @Test("Civil time and seconds agree, both ways, over four centuries")
    func civil() {
        for days in stride(from: Int64(-40_000), to: 110_000, by: 37) {
            let seconds = days * 86_400 + 3_723
            #expect(CivilTime(secondsSince1970: seconds).secondsSince1970 == seconds)
        }
        #expect(CivilTime(secondsSince1970: 0).rfc3339 == "1970-01-01T00:00:00Z")
        #expect(CivilTime(rfc3339: "2026-11-21T18:20:00Z")?.secondsSince1970 == 1_795_285_200)
        #expect(CivilTime(rfc3339: "2026-11-21T18:20:00+09:00") == nil)
    }

    @Test("Object identifiers, both ways", arguments: ["1.2.392.200149.8.5.1.3.30", "2.5.29.31", "2.999.3", "0.9"])
    func identifiers(text: String) throws {
        let oid = try #require(OID(text))
        #expect(oid.description == text)
    }

    @Test("No object identifiers", arguments: ["", "1", "3.1", "1.40", "1.2.x", "1..2"])
    func noIdentifiers(text: String) { #expect(OID(text) == nil) }

    @Test("What is written is what X.690 says: tags and contents")
    func written() {
        #expect(DER.oid([0x2A, 0x03]) == [0x06, 2, 0x2A, 0x03])
        #expect(
            DER.octets([1]) == [0x04, 1, 1] && DER.bits([1]) == [0x03, 2, 0, 1] && DER.utf8("a") == [0x0C, 1, 0x61])
        #expect(DER.printable("a") == [0x13, 1, 0x61] && DER.null == [0x05, 0] && DER.yes == [0x01, 1, 0xFF])
        #expect(DER.sequence([1], [2]) == [0x30, 2, 1, 2] && DER.set([1]) == [0x31, 1, 1])
        for (value, bytes) in [
            (0, [0]), (1, [1]), (0x7F, [0x7F]), (0x80, [0, 0x80]), (0x0102, [1, 2]), (0x8000, [0, 0x80, 0]),
            (0x0102_0304_0506_0708, [1, 2, 3, 4, 5, 6, 7, 8]),
        ] as [(Int, [UInt8])] {
            #expect(DER.integer(value) == [0x02, UInt8(bytes.count)] + bytes, "\(value)")
        }
        #expect(DER.time(2_524_607_999) == [0x17, 13] + Array("491231235959Z".utf8))
        #expect(DER.time(2_524_608_000) == [0x18, 15] + Array("20500101000000Z".utf8))
    }

    @Test("A small number has four bytes at the most, none of them a sign; INTEGER and ENUMERATED are two things")
    func smallNumbers() throws {
        for (bytes, value) in [
            ([0x00], 0), ([0x05], 5), ([0x01, 0x02], 0x0102), ([0x00, 0x80], 0x80),
            ([0x7F, 0xFF, 0xFF, 0xFF], 0x7FFF_FFFF),
        ] as [([UInt8], Int)] {
            #expect(try element([0x02, UInt8(bytes.count)] + bytes).smallInteger() == value)
            #expect(try element([0x0A, UInt8(bytes.count)] + bytes).enumerated() == value)
        }
        for bytes in [[0x00, 0x80, 0x00, 0x00, 0x00], [0x80], [0xFF], []] as [[UInt8]] {
            #expect(throws: TLVError.badValue) { try element([0x02, UInt8(bytes.count)] + bytes).smallInteger() }
            #expect(throws: TLVError.badValue) { try element([0x0A, UInt8(bytes.count)] + bytes).enumerated() }
        }
        #expect(throws: TLVError.self) { try element([0x0A, 1, 5]).integer() }
        #expect(throws: TLVError.self) { try element([0x0A, 1, 5]).smallInteger() }
        #expect(throws: TLVError.self) { try element([0x02, 1, 5]).enumerated() }
    }

    @Test("The first two arcs share a byte: forty to each of the first two")
    func firstArcs() throws {
        for (byte, text) in [(0, "0.0"), (39, "0.39"), (40, "1.0"), (79, "1.39"), (80, "2.0"), (120, "2.40")]
            as [(UInt8, String)]
        {
            #expect(try element([0x06, 1, byte]).objectIdentifier().description == text)
            #expect(OID(text)?.bytes == [byte])
        }
    }

    @Test("The last day of four centuries, and the days around it")
    func centuries() {
        for (seconds, text) in [
            (951_782_400, "2000-02-29T00:00:00Z"), (951_868_800, "2000-03-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-11_670_998_400, "1600-02-29T00:00:00Z"), (13_574_563_200, "2400-02-29T00:00:00Z"),
        ] as [(Int64, String)] {
            #expect(CivilTime(secondsSince1970: seconds).rfc3339 == text)
            #expect(CivilTime(rfc3339: text)?.secondsSince1970 == seconds)
        }
    }

    @Test("Integers and booleans have one form")
    func oneForm() {
        #expect(throws: TLVError.notMinimal) { try element([0x02, 2, 0x00, 0x01]).integer() }
        #expect(throws: TLVError.notMinimal) { try element([0x02, 2, 0xFF, 0x80]).integer() }
        #expect(throws: TLVError.badValue) { try element([0x01, 1, 0x01]).boolean() }
        #expect(throws: TLVError.badValue) { try element([0x03, 2, 0x01, 0x80]).octetsOfBitString() }
    }
}
