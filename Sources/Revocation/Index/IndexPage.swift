internal import Certificates
/// A block of the index: sorted serials of one kind in Elias–Fano form (P. Elias 1974, R. Fano 1971), exact and about
/// two bits an entry above the least possible, with a code each. Numbers are little-endian.
///
///     count u16 | low bits u8 | 0 | words u16 | 0 u16 | ranks | lows | codes | tails | words
///
/// A key is a head of 64 bits and a tail of fixed length. Of `head − first` the low bits stand in `lows`; the rest is
/// unary in `words`: entry i sets bit i + rest(i). `ranks` holds the ones before every eighth word.
struct IndexPage {
    /// Bytes of a block at the most.
    static let most = 4_096
    static let mostEntries = 16_384
    private static let header = 8
    /// So that eight bytes hold the low bits wherever in a byte they begin.
    private static let mostLowBits = 56

    /// What every block of one kind of serial shares.
    struct Kind: Hashable, Sendable {
        /// Bytes of a key beyond the head: 0 to 13.
        let tail: Int
        /// Bits of a code: 0 to 4.
        let codeBits: Int
    }

    /// Where things stand in a block.
    private struct Layout {
        let lows, codes, tails, words, size: Int

        init(count: Int, lowBits: Int, wordCount: Int, kind: Kind) {
            lows = IndexPage.header + 2 * ((wordCount + 7) / 8)
            codes = lows + (count * lowBits + 7) / 8
            tails = codes + (count * kind.codeBits + 7) / 8
            words = tails + count * kind.tail
            size = words + 8 * wordCount
        }
    }

    private static func lowBits(span: UInt64, count: Int) -> Int {
        let gap = span / UInt64(truncatingIfNeeded: max(1, count))
        return gap == 0 ? 0 : min(mostLowBits, 63 - gap.leadingZeroBitCount)
    }

    private static func wordCount(span: UInt64, count: Int, lowBits: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(truncatingIfNeeded: count) + span >> UInt64(truncatingIfNeeded: lowBits)) / 64)
            + 1
    }

    /// Bytes of a block of `count` keys whose heads span `span`.
    static func size(count: Int, span: UInt64, kind: Kind) -> Int {
        let low = lowBits(span: span, count: count)
        guard span >> UInt64(truncatingIfNeeded: low) < UInt64(truncatingIfNeeded: 8 * most) else { return .max }
        let words = wordCount(span: span, count: count, lowBits: low)
        return Layout(count: count, lowBits: low, wordCount: words, kind: kind).size
    }

    /// Appends a block to `output`.
    /// - Parameters:
    ///   - serials: not empty, in order, each once.
    ///   - codes: the index's code of each reason.
    static func encode<Record: SerialRecord>(
        _ serials: ArraySlice<Record>, codes: [UInt8], kind: Kind, to output: inout [UInt8]
    ) {
        guard let first = serials.first?.head, let last = serials.last?.head else { return }
        let low = lowBits(span: last - first, count: serials.count)
        let wordCount = wordCount(span: last - first, count: serials.count, lowBits: low)
        var words = [UInt64](repeating: 0, count: wordCount)  // safe: of what is written, from its own span and count
        var lows = BitWriter(bits: serials.count * low), packed = BitWriter(bits: serials.count * kind.codeBits)
        let mask = (UInt64(truncatingIfNeeded: 1) << UInt64(truncatingIfNeeded: low)) - 1
        output.append(UInt8(truncatingIfNeeded: serials.count))
        output.append(UInt8(truncatingIfNeeded: serials.count >> 8))
        output += [
            UInt8(truncatingIfNeeded: low), 0, UInt8(truncatingIfNeeded: wordCount),
            UInt8(truncatingIfNeeded: wordCount >> 8), 0, 0,
        ]
        var unary = words.mutableSpan
        var index = 0
        for serial in serials {
            let delta = serial.head - first
            let position = index + Int(truncatingIfNeeded: delta &>> UInt64(truncatingIfNeeded: low))
            // safe: what is written was read and checked; there are as many words as the last one needs
            unary[position >> 6] |= 1 &<< UInt64(truncatingIfNeeded: position & 63)
            lows.append(delta & mask, bits: UInt64(truncatingIfNeeded: low))
            if kind.codeBits > 0 {
                packed.append(
                    UInt64(truncatingIfNeeded: codes[Int(truncatingIfNeeded: serial.code)]),
                    bits: UInt64(truncatingIfNeeded: kind.codeBits))
            }
            index += 1
        }
        var ones = 0
        for (index, word) in words.enumerated() {
            if index % 8 == 0 {
                output.append(UInt8(truncatingIfNeeded: ones))
                output.append(UInt8(truncatingIfNeeded: ones >> 8))
            }
            ones += word.nonzeroBitCount
        }
        lows.finish(into: &output)
        packed.finish(into: &output)
        if kind.tail > 0 { for serial in serials { serial.appendTail(to: &output) } }
        for word in words { output.appendLittleEndian(word) }
    }

    /// The code of a key in a block; nil when the block does not hold it.
    /// - Parameters:
    ///   - first: the block's smallest head.
    ///   - tail: of the key, `kind.tail` bytes.
    /// - Throws: `storeDamaged` for a block that no writer writes.
    static func find(head: UInt64, tail: ArraySlice<UInt8>, first: UInt64, kind: Kind, in block: RawSpan)
        throws(RevocationError) -> UInt8?
    {
        guard block.byteCount >= header else { throw damaged }
        let count = Int(truncatingIfNeeded: block.word16(0))
        // safe: a block has its header
        let low = Int(truncatingIfNeeded: block.unsafeLoad(fromByteOffset: 2, as: UInt8.self))
        let wordCount = Int(truncatingIfNeeded: block.word16(4))
        guard low <= mostLowBits, count > 0, wordCount > 0 else { throw damaged }
        let layout = Layout(count: count, lowBits: low, wordCount: wordCount, kind: kind)
        guard layout.size == block.byteCount else { throw damaged }
        guard head >= first else { return nil }
        let delta = head - first
        let rest = delta >> UInt64(truncatingIfNeeded: low)
        // More zeros than there are: beyond the block's last key.
        guard rest <= UInt64(truncatingIfNeeded: wordCount * 64 - min(count, wordCount * 64)) else { return nil }
        var position = try start(of: Int(truncatingIfNeeded: rest), in: block, words: layout.words, count: wordCount)
        var index = position - Int(truncatingIfNeeded: rest)
        let wanted = delta & ((UInt64(truncatingIfNeeded: 1) << UInt64(truncatingIfNeeded: low)) - 1)
        while position < wordCount * 64,
            block.word64(layout.words + 8 * (position >> 6)) >> UInt64(truncatingIfNeeded: position & 63) & 1 == 1
        {
            guard index < count else { throw damaged }
            let here = block.bits(at: layout.lows, index * low, low)
            if here > wanted { return nil }
            if here == wanted, kind.tail == 0 || block.holds(tail, at: layout.tails + index * kind.tail) {
                return UInt8(truncatingIfNeeded: block.bits(at: layout.codes, index * kind.codeBits, kind.codeBits))
            }
            position += 1
            index += 1
        }
        return nil
    }

    /// The bit after the `rest`th zero: where the entries with that rest begin.
    private static func start(of rest: Int, in block: RawSpan, words: Int, count: Int) throws(RevocationError) -> Int {
        guard rest > 0 else { return 0 }
        // The last group of eight words that begins before that zero.
        var (low, high) = (0, (count - 1) / 8)
        while low < high {
            let middle = (low + high + 1) / 2
            if 512 * middle - Int(truncatingIfNeeded: block.word16(header + 2 * middle)) < rest {
                low = middle
            } else {
                high = middle - 1
            }
        }
        var left = rest - (512 * low - Int(truncatingIfNeeded: block.word16(header + 2 * low)))
        guard left > 0 else { throw damaged }
        for index in low * 8..<count {
            var zeros = ~block.word64(words + 8 * index)
            let here = zeros.nonzeroBitCount
            guard here >= left else {
                left -= here
                continue
            }
            // The `left`th zero of this word: halved down to a byte, then bit by bit.
            var base = 0
            for width in [32, 16, 8] {
                let part = (zeros & ((1 << UInt64(truncatingIfNeeded: width)) - 1)).nonzeroBitCount
                if part < left {
                    left -= part
                    base += width
                    zeros >>= UInt64(truncatingIfNeeded: width)
                }
            }
            for _ in 1..<left { zeros &= zeros &- 1 }
            return index * 64 + base + zeros.trailingZeroBitCount + 1
        }
        throw damaged
    }

    private static var damaged: RevocationError {
        RevocationError(.storeDamaged, "a block of the index is not as it was written")
    }
}

/// Packs numbers of a few bits, the lowest bit first.
private struct BitWriter {
    private var words: [UInt64] = []
    private var held: UInt64 = 0
    private var count: UInt64 = 0

    init(bits: Int) { words.reserveCapacity(bits / 64 + 1) }

    /// - Parameter bits: 0 to 56.
    @inline(__always)
    mutating func append(_ value: UInt64, bits: UInt64) {
        held |= value &<< count
        count &+= bits
        guard count >= 64 else { return }
        words.append(held)
        count &-= 64
        // Of what did not fit; a shift by all the bits leaves none.
        held = value >> (bits &- count)
    }

    func finish(into output: inout [UInt8]) {
        for word in words { output.appendLittleEndian(word) }
        for index in 0..<(count + 7) / 8 { output.append(UInt8(truncatingIfNeeded: held >> (8 * index))) }
    }
}

extension RawSpan {
    @inline(__always) func word64(_ at: Int) -> UInt64 {
        // safe: whoever asks has looked how many bytes there are
        UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    @inline(__always) func word32(_ at: Int) -> UInt32 {
        // safe: whoever asks has looked how many bytes there are
        UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self))
    }

    @inline(__always) func word16(_ at: Int) -> UInt16 {
        // safe: within a header that is there
        UInt16(littleEndian: unsafeLoadUnaligned(fromByteOffset: at, as: UInt16.self))
    }

    /// Up to 56 bits, `bit` bits after `start`; eight bytes are there to be read.
    @inline(__always) fileprivate func bits(at start: Int, _ bit: Int, _ count: Int) -> UInt64 {
        word64(start + bit >> 3) >> UInt64(truncatingIfNeeded: bit & 7)
            & ((UInt64(truncatingIfNeeded: 1) << UInt64(truncatingIfNeeded: count)) - 1)
    }

    fileprivate func holds(_ bytes: ArraySlice<UInt8>, at start: Int) -> Bool {
        var at = start
        for byte in bytes {
            // safe: within a layout that was held against the block
            guard unsafeLoad(fromByteOffset: at, as: UInt8.self) == byte else { return false }
            at += 1
        }
        return true
    }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
