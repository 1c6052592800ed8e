internal import Certificates
// lint: reads nothing foreign: sorts serials that were read and checked
internal import Files

/// A revoked serial and its reason's code, in a form of fixed size that sorts fast. Sorted means by its words.
protocol SerialRecord: BitwiseCopyable, Sendable {
    /// Words that decide the order, the first one first; the code is no part of them.
    static var words: Int { get }
    func word(_ index: Int) -> UInt64
    var code: UInt64 { get }
    /// What an index keeps of a serial in 64 bits, in the same order: its value, or its contents' first eight bytes.
    var head: UInt64 { get }
    /// Contents of which length the serial's are; 0: it is a narrow one.
    var length: Int { get }
    /// Appends the contents from the ninth byte on.
    func appendTail(to bytes: inout [UInt8])
    /// From contents in their shortest form; nil for a serial of another kind.
    /// - Parameters:
    ///   - length: of the contents, 1 to 21.
    ///   - contents: big-endian from the left; what lies beyond the length does not matter.
    ///   - code: of CRLReason, below 16.
    init?(length: Int, _ contents: (UInt64, UInt64, UInt64), code: UInt64)
    /// Made of zeros: what buffers are filled with.
    static var blank: Self { get }
}

extension SerialRecord {
    func precedes(_ other: Self) -> Bool {
        for index in 0..<Self.words where word(index) != other.word(index) { return word(index) < other.word(index) }
        return false
    }

    func isSame(as other: Self) -> Bool { (0..<Self.words).allSatisfy { word($0) == other.word($0) } }
}

/// A serial below 2^60: a card's.
struct NarrowSerial: SerialRecord {
    private let raw: UInt64
    static let limit: UInt64 = 1 << 60
    static let words = 1
    static let blank = NarrowSerial(raw: 0)

    private init(raw: UInt64) { self.raw = raw }

    @inline(__always)
    init?(length: Int, _ contents: (UInt64, UInt64, UInt64), code: UInt64) {
        guard length <= 8, contents.0 >> 63 == 0 else { return nil }
        let value = contents.0 >> (64 - 8 * UInt64(length))
        guard value < Self.limit else { return nil }
        raw = value << 4 | code & 0xF
    }

    var value: UInt64 { raw >> 4 }
    var code: UInt64 { raw & 0xF }
    var head: UInt64 { raw >> 4 }
    var length: Int { 0 }
    func appendTail(to bytes: inout [UInt8]) {}
    @inline(__always) func word(_ index: Int) -> UInt64 { raw >> 4 }
}

/// Any serial: the length of its canonical contents, those contents left-justified in 21 bytes, and the code.
struct WideSerial: SerialRecord {
    private let first, second, third: UInt64
    static let words = 3
    static let blank = WideSerial(first: 0, second: 0, third: 0)

    private init(first: UInt64, second: UInt64, third: UInt64) {
        (self.first, self.second, self.third) = (first, second, third)
    }

    @inline(__always)
    init?(length: Int, _ contents: (UInt64, UInt64, UInt64), code: UInt64) {
        guard length > 8 || NarrowSerial(length: length, contents, code: code) == nil else { return nil }
        // A shift by all the bits leaves none.
        func kept(_ word: UInt64, from start: Int) -> UInt64 {
            word & ~(UInt64.max >> UInt64(8 * max(0, min(8, length - start))))
        }
        let (a, b, c) = (kept(contents.0, from: 0), kept(contents.1, from: 8), kept(contents.2, from: 16))
        first = UInt64(length) << 56 | a >> 8
        second = a << 56 | b >> 8
        third = (b << 56 | c >> 8) & ~0xFF | code & 0xF
    }

    var code: UInt64 { third & 0xF }

    func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: first
        case 1: second
        default: third & ~0xFF
        }
    }

    var length: Int { Int(first >> 56) }

    var head: UInt64 { (first << 8) | (second >> 56) }

    func appendTail(to bytes: inout [UInt8]) {
        for index in 8..<max(8, length) {
            let word = index < 15 ? second >> (8 * (14 - UInt64(index))) : third >> (8 * (22 - UInt64(index)))
            bytes.append(UInt8(truncatingIfNeeded: word))
        }
    }
}

/// The serials of a list while it passes, in bounded memory.
struct SerialCollector {
    var narrow: SerialSorter<NarrowSerial>
    var wide: SerialSorter<WideSerial>

    init(scratch: ScratchFolder) {
        narrow = SerialSorter(scratch: scratch)
        wide = SerialSorter(scratch: scratch)
    }

    mutating func append(_ serial: SerialNumber, code: UInt64) throws(RevocationError) {
        let (length, contents) = (serial.bytes.count, serial.words)
        if let record = NarrowSerial(length: length, contents, code: code) {
            try narrow.append(record)
        } else if let record = WideSerial(length: length, contents, code: code) {
            try wide.append(record)
        }
    }

    /// Says that no more will come.
    mutating func seal() throws(RevocationError) {
        try narrow.seal()
        try wide.seal()
    }

    /// The codes that occur, after `seal`.
    var codes: [UInt64] { (0..<16).filter { (narrow.codes | wide.codes) & (1 << $0) != 0 } }
}

extension SerialNumber {
    /// The contents, big-endian from the left.
    var words: (UInt64, UInt64, UInt64) {
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            let value = UInt64(byte) << (56 - 8 * UInt64(index & 7))
            switch index >> 3 {
            case 0: words.0 |= value
            case 1: words.1 |= value
            default: words.2 |= value
            }
        }
        return words
    }

    /// Nil for a negative serial and for one of 2^60 and more.
    var narrowValue: UInt64? {
        guard bytes.count <= 8 else { return nil }
        return NarrowSerial(length: bytes.count, words, code: 0)?.value
    }
}
