import Certificates
import Cryptography
import Foundation
import OwnThreads
import PathFixture
import Revocation
import TLV
import TestPKI
import Testing

/// A list in the making whose entries are appended as bytes: a hundred thousand of them are made quickly.
struct RawList {
    var entries: [UInt8] = []
    var set: [SerialNumber: RevocationReason] = [:]
    var contents: [[UInt8]] = []
    /// A UTCTime, once.
    private let time: [UInt8] = DER.time(now - 7_200)

    /// - Parameter contents: of the INTEGER, in its shortest form.
    mutating func add(_ contents: [UInt8], _ reason: RevocationReason?) {
        let code: [UInt8] =
            reason.map {
                [0x30, 0x0C, 0x30, 0x0A, 0x06, 0x03, 0x55, 0x1D, 0x15, 0x04, 0x03, 0x0A, 0x01, UInt8($0.rawValue)]
            } ?? []
        entries += [0x30, UInt8(2 + contents.count + time.count + code.count), 0x02, UInt8(contents.count)]
        entries += contents
        entries += time
        entries += code
        if self.contents.count < 1_000 { self.contents.append(contents) }
        let serial = SerialNumber(contents: contents)
        let reason = reason ?? .unspecified
        // Of one that stands twice the smallest code counts, but removeFromCRL last.
        func rank(_ reason: RevocationReason) -> Int { reason == .removeFromCRL ? 16 : reason.rawValue }
        if let before = set[serial], rank(before) <= rank(reason) { return }
        set[serial] = reason
    }

    mutating func add(_ value: UInt64, _ reason: RevocationReason?) {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
        let trimmed = Array(bytes.drop { $0 == 0 })
        add(trimmed.isEmpty ? [0] : trimmed[0] & 0x80 != 0 ? [0] + trimmed : trimmed, reason)
    }

    func index(isDelta: Bool = false) throws -> RevocationIndex {
        let fixture = try Fixture.shared.get()
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        if isDelta { (list.number, list.base) = (2, 1) }
        let der = try list.signed(rawEntries: entries, by: fixture.authority)
        let lists = try RevocationLists(
            [try UnverifiedRevocationList(der: der)], authorities: [fixture.authority.certificate])
        return try #require(lists.all.first?.index)
    }

    /// The index answers as the set does: every serial of it, and its neighbours.
    func expectExact(isDelta: Bool = false, _ others: [SerialNumber] = []) throws {
        let index = try index(isDelta: isDelta)
        #expect(index.count == set.count)
        for (serial, reason) in set {
            let answer = try index.reason(for: serial)
            if answer != reason { Issue.record("\(String(describing: answer)) instead of \(reason)") }
        }
        for serial in others where set[serial] == nil {
            if try index.reason(for: serial) != nil { Issue.record("a serial that is not on the list is found") }
        }
        try index.checkWhole()
    }
}

@Suite(.ownThreads) struct RevocationIndexTests {
    private let reasons: [RevocationReason?] = [
        nil, .keyCompromise, .affiliationChanged, .superseded, .certificateHold,
    ]

    @Test("CRC-32C: the standard's check value")
    func checkValue() {
        #expect(CRC32C.of(Array("123456789".utf8).span.bytes) == 0xE306_9283)
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32).span.bytes) == 0x8A91_36AA)
    }

    @Test("An index answers exactly as a set does, for random lists of every kind of serial", arguments: 0..<24)
    func random(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var list = RawList()
        var others: [SerialNumber] = []
        let count = [1, 2, 3, 50, 700, 3_000][seed % 6]
        for _ in 0..<count {
            let reason = reasons.randomElement(using: &random) ?? nil
            switch Int.random(in: 0..<7, using: &random) {
            case 0: list.add(UInt64.random(in: 0..<1 << 31, using: &random), reason)
            // Dense, with doubles.
            case 1: list.add(0x0600_0000 + UInt64.random(in: 0..<UInt64(2 * count), using: &random), reason)
            case 2: list.add(UInt64.random(in: 0...UInt64.max >> UInt64.random(in: 0..<64, using: &random)), reason)
            case 3:
                // Any length, negative ones too, as the shortest contents.
                let length = Int.random(in: 1...20, using: &random)
                let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                let leading = length == 1 ? 1 : Int(bytes[0]) << 1 | Int(bytes[1] >> 7)
                guard leading != 0, leading != 0x1FF else { continue }
                list.add(bytes, reason)
            // Twenty octets of value above a zero.
            case 4:
                list.add(
                    [0, 0x80 | UInt8.random(in: 0...127, using: &random)] + [UInt8](repeating: 7, count: 19), reason)
            // One prefix: the heads are all alike.
            case 5:
                list.add(
                    [0x11] + [UInt8](repeating: 0x22, count: 13) + [.random(in: 0...255, using: &random), 9], reason)
            default: list.add([0x40] + (0..<15).map { _ in .random(in: 0...255, using: &random) }, reason)
            }
            others.append(SerialNumber(contents: [UInt8.random(in: 1...127, using: &random), 3, 5, 7]))
            others.append(SerialNumber(contents: [0x40] + (0..<15).map { _ in .random(in: 0...255, using: &random) }))
        }
        // Neighbours of what is listed.
        others += list.contents.prefix(500).flatMap { contents in
            [1, 255].map { step in SerialNumber(contents: contents.dropLast() + [(contents.last ?? 0) &+ step]) }
        }
        try list.expectExact(others)
    }

    @Test("More serials than memory holds, in no order, in order, and crowded where the first ones were not")
    func spilled() throws {
        var random = SeededGenerator(seed: 7)
        var shuffled = RawList(), sorted = RawList(), crowded = RawList()
        for number in 0..<90_000 {
            let reason = reasons[number % reasons.count]
            shuffled.add(UInt64.random(in: 0..<1 << 31, using: &random), reason)
            sorted.add(UInt64(number * 3), reason)
        }
        // The first ones set the ranges; all others crowd the last of them.
        for number in 0..<34_000 { crowded.add(UInt64(number), .superseded) }
        for number in 0..<230_000 { crowded.add(1 << 40 | UInt64(number) << 3, .keyCompromise) }
        try shuffled.expectExact(
            (0..<2_000).map { SerialNumber(contents: [0x7F, 0xFF, UInt8($0 & 0x7F), UInt8($0 >> 7)]) })
        try sorted.expectExact((0..<2_000).map { SerialNumber(contents: [0x01, UInt8($0 >> 8), UInt8($0 & 0xFF)]) })
        try crowded.expectExact(
            (0..<1_000).map { SerialNumber(contents: [0x01, 0, 0, 0, UInt8($0 >> 8), UInt8($0 & 0xFF)]) })
    }

    @Test("Who ends the program does not wait for a list whose last byte has come: its index is not written to its end")
    func endedAfterTheLastByte() async throws {
        var list = RawList()
        for number in 0..<90_000 { list.add(UInt64(number * 3), .superseded) }
        let whole = list
        #expect(try whole.index().count == 90_000)
        let task = Task {
            // As whoever runs it is told to end.
            withUnsafeCurrentTask { $0?.cancel() }
            return try whole.index().count
        }
        let error = await #expect(throws: RevocationError.self) { try await task.value }
        #expect(error?.code == .storeUnavailable)
    }

    @Test("Wide serials that do not fit: one prefix for all, and one serial very often")
    func spilledWide() throws {
        var list = RawList()
        let prefix = [0x21] + [UInt8](repeating: 0x43, count: 11)
        for number in 0..<70_000 {
            list.add(prefix + [0, UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)], .superseded)
        }
        for _ in 0..<80_000 { list.add([0x22] + [UInt8](repeating: 0x43, count: 15), .certificateHold) }
        list.add([0x22] + [UInt8](repeating: 0x43, count: 15), .keyCompromise)
        try list.expectExact([SerialNumber(contents: prefix + [1, 0, 0, 0]), SerialNumber(contents: prefix)])
    }

    @Test("An empty list has an empty index")
    func empty() throws { try RawList().expectExact([SerialNumber(contents: [1])]) }

    @Test("Of a serial that a delta both releases and revokes the revocation counts")
    func releasedAndRevoked() throws {
        var list = RawList()
        list.add(5, .removeFromCRL)
        list.add(5, .superseded)
        list.add(6, .removeFromCRL)
        try list.expectExact(isDelta: true)
    }

    @Test("Entries of any shape are taken as those of the usual shape are")
    func shapes() throws {
        let fixture = try Fixture.shared.get()
        let invalidity = TestRevocationList.extension(
            [0x55, 0x1D, 0x18], critical: false, DER.object(0x18, Array("20250101000000Z".utf8)))
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        for number in 0..<400 {
            list.entries.append(
                .init(
                    serial: [0x05, UInt8(number >> 8), UInt8(number & 0xFF)],
                    date: number % 5 == 0 ? 2_600_000_000 : now - Int64(number) * 86_400,
                    reason: number % 3 == 0 ? 1 : nil,
                    extra: number % 7 == 0 ? invalidity : []))
        }
        let lists = try RevocationLists(
            [UnverifiedRevocationList(der: list.signed(by: fixture.authority))],
            authorities: [fixture.authority.certificate])
        let index = try #require(lists.all.first?.index)
        #expect(index.count == 400)
        for number in 0..<400 {
            let reason = try index.reason(
                for: SerialNumber(contents: [0x05, UInt8(number >> 8), UInt8(number & 0xFF)]))
            #expect(reason == (number % 3 == 0 ? .keyCompromise : .unspecified))
        }
    }

    @Test(
        "A date that is none is refused, wherever it stands in the entry",
        arguments: [
            "250229000000Z", "251301000000Z", "250001000000Z", "250100000000Z", "250132000000Z", "250431000000Z",
            "250101240000Z", "250101006000Z", "250101000060Z", "25010100000aZ", "2501010000/0Z", "250101000000z",
            ":50101000000Z", "250101000000+",
        ])
    func dates(text: String) throws {
        func der(_ text: String) throws -> [UInt8] {
            var raw = RawList()
            for number in 0..<3 { raw.add(UInt64(0x0100_0000 + number), .superseded) }
            let time = DER.time(now - 7_200)
            let entry = raw.entries.count / 3
            let at = try #require(raw.entries[entry...].firstRange(of: time)?.lowerBound)
            raw.entries.replaceSubrange(at..<at + time.count, with: DER.object(0x17, Array(text.utf8)))
            let fixture = try Fixture.shared.get()
            let list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
            return try list.signed(rawEntries: raw.entries, by: fixture.authority)
        }
        #expect(throws: RevocationError.self) { try UnverifiedRevocationList(der: der(text)) }
        #expect(throws: Never.self) { try UnverifiedRevocationList(der: der("240229235959Z")) }
    }

    @Test(
        "A serial that is not in its shortest form, empty or too long is refused, wherever it stands",
        arguments: [
            [0x00, 0x11], [0xFF, 0x80], [0x00, 0x00], [], [UInt8](repeating: 0x7F, count: 21),
            [0x01] + [UInt8](repeating: 0, count: 20),
        ] as [[UInt8]])
    func serialForms(contents: [UInt8]) throws {
        let fixture = try Fixture.shared.get()
        let list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        for isFirst in [true, false] {
            var raw = RawList()
            if isFirst { raw.add(contents, .superseded) }
            for number in 0..<3 { raw.add(UInt64(0x0100_0000 + number), .superseded) }
            if !isFirst { raw.add(contents, .superseded) }
            let der = try list.signed(rawEntries: raw.entries, by: fixture.authority)
            #expect(throws: RevocationError.self) { try UnverifiedRevocationList(der: der) }
        }
    }
}
