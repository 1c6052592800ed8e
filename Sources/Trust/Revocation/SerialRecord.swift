/// A revoked serial and its reason's code, in a form of fixed size that sorts fast. Sorted means by its words.
protocol SerialRecord: BitwiseCopyable, Sendable {
    /// Words that decide the order, the first one first; the code is no part of them.
    static var words: Int { get }
    func word(_ index: Int) -> UInt64
    var code: UInt64 { get }
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
    static let blank = NarrowSerial(value: 0, code: 0)

    /// - Parameters:
    ///   - value: below `limit`.
    ///   - code: of CRLReason, below 16.
    @inline(__always) init(value: UInt64, code: UInt64) { raw = value << 4 | code & 0xF }

    var value: UInt64 { raw >> 4 }
    var code: UInt64 { raw & 0xF }
    @inline(__always) func word(_ index: Int) -> UInt64 { raw >> 4 }
}

/// Any serial: the length of its canonical contents, those contents left-justified in 21 bytes, and the code.
struct WideSerial: SerialRecord {
    private let first, second, third: UInt64
    static let words = 3
    static let blank = WideSerial(length: 0, 0, 0, 0, code: 0)

    /// - Parameters:
    ///   - length: of the contents, 1 to 21.
    ///   - a: b, c: the contents, big-endian from the left; what lies beyond the length does not matter.
    init(length: Int, _ a: UInt64, _ b: UInt64, _ c: UInt64, code: UInt64) {
        func kept(_ word: UInt64, from start: Int) -> UInt64 {
            // A shift by all the bits leaves none.
            word & ~(UInt64.max >> UInt64(8 * max(0, min(8, length - start))))
        }
        let (a, b, c) = (kept(a, from: 0), kept(b, from: 8), kept(c, from: 16))
        first = UInt64(length) << 56 | a >> 8
        second = a << 56 | b >> 8
        third = (b << 56 | c >> 8) & ~0xFF | code & 0xF
    }

    init(contents: [UInt8], code: UInt64) {
        func word(_ start: Int) -> UInt64 {
            (start..<start + 8).reduce(0) { $0 << 8 | ($1 < contents.count ? UInt64(contents[$1]) : 0) }
        }
        self.init(length: contents.count, word(0), word(8), word(16), code: code)
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

    /// The contents' first eight bytes, left-justified.
    var head: UInt64 { (first << 8) | (second >> 56) }

    /// The contents from the ninth byte on.
    var tail: [UInt8] {
        (8..<max(8, length)).map { index in
            index < 15 ? UInt8(truncatingIfNeeded: second >> (8 * (14 - UInt64(index))))
                : UInt8(truncatingIfNeeded: third >> (8 * (22 - UInt64(index))))
        }
    }
}

/// The serials of a list while it passes, in bounded memory.
struct SerialCollector {
    private var narrow: SerialSorter<NarrowSerial>
    private var wide: SerialSorter<WideSerial>

    init(scratch: ScratchFolder) {
        narrow = SerialSorter(scratch: scratch)
        wide = SerialSorter(scratch: scratch)
    }

    private var seen: UInt64 = 0

    /// Entries taken, serials that stand twice counted twice.
    var count: Int { narrow.count + wide.count }

    /// The codes that occurred.
    var reasons: [UInt64] { (0..<16).filter { seen & (1 << $0) != 0 } }

    @inline(__always) mutating func append(_ serial: NarrowSerial) throws(TrustError) {
        seen |= 1 << serial.code
        try narrow.append(serial)
    }

    mutating func append(_ serial: WideSerial) throws(TrustError) {
        seen |= 1 << serial.code
        try wide.append(serial)
    }

    /// Says that no more will come.
    mutating func seal() throws(TrustError) {
        try narrow.seal()
        try wide.seal()
    }

    /// Hands every serial over once, the narrow ones first, each kind in order.
    func drain(_ narrowBody: (NarrowSerial) throws -> Void, _ wideBody: (WideSerial) throws -> Void) throws {
        try narrow.drain(narrowBody)
        try wide.drain(wideBody)
    }

    mutating func append(_ serial: SerialNumber, code: UInt64) throws(TrustError) {
        if let value = serial.narrowValue {
            try append(NarrowSerial(value: value, code: code))
        } else {
            try append(WideSerial(contents: serial.bytes, code: code))
        }
    }
}

extension SerialNumber {
    /// Nil for a negative serial and for one of 2^60 and more.
    var narrowValue: UInt64? {
        guard bytes.count <= 8, let first = bytes.first, first & 0x80 == 0 else { return nil }
        let value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
        return value < NarrowSerial.limit ? value : nil
    }
}
