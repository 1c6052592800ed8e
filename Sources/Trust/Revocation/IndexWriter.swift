/// Writes the index of a list, in order, to a file: header, what the list says of itself, blocks, directory.
///
///     "KZCRLIX\0" | version u32 | about's length u32 | entries u64 | directory's offset u64 | directory's length u32 |
///     CRC of about u32 | CRC of directory u32 | 0… | CRC of these 60 bytes u32
///
/// The directory holds, block by block, its first key, its offset and its CRC-32C.
struct IndexWriter {
    static let magic = Array("KZCRLIX\0".utf8)
    static let version: UInt32 = 1
    static let headerSize = 64

    private let descriptor: Int32
    private let about: [UInt8]
    /// The code of each reason, by the reason's own.
    private let codes: [UInt8]
    private let codeBits: Int
    private var kinds: [IndexKind] = []
    private var kind = IndexPage.Kind(tail: 0, codeBits: 0)
    private(set) var count = 0

    private var heads: [UInt64] = []
    private var entryCodes: [UInt8] = []
    private var tails: [UInt8] = []
    private var output: [UInt8] = []
    /// Where `output` begins in the file.
    private var written: Int
    private var directory: [UInt8] = []

    private static let mostPending = 2 * IndexPage.mostEntries
    private static let outputRoom = 64 * 1_024

    /// - Parameters:
    ///   - about: what the list says of itself.
    ///   - reasons: the codes that occur.
    init(to descriptor: Int32, about: IndexAbout, reasons: [UInt64]) {
        self.descriptor = descriptor
        var codes = [UInt8](repeating: 0, count: 16)
        for (code, reason) in reasons.enumerated() { codes[Int(reason & 15)] = UInt8(code) }
        self.codes = codes
        codeBits = Self.bits(for: reasons.count)
        self.about = about.encoded(reasons: reasons)
        written = Self.headerSize + self.about.count
    }

    static func bits(for codes: Int) -> Int { codes <= 1 ? 0 : Int.bitWidth - (codes - 1).leadingZeroBitCount }

    /// The serials that follow are of this length of contents; 0: narrow ones.
    private mutating func begin(length: Int) {
        kinds.append(IndexKind(length: length))
        kind = IndexPage.Kind(tail: max(0, length - 8), codeBits: codeBits)
    }

    mutating func append(_ serials: [NarrowSerial]) throws(TrustError) {
        if kinds.isEmpty, !serials.isEmpty { begin(length: 0) }
        for serial in serials {
            heads.append(serial.value)
            entryCodes.append(codes[Int(serial.code)])
        }
        count += serials.count
        if heads.count >= Self.mostPending { try flushBlocks(atLeast: IndexPage.mostEntries) }
    }

    mutating func append(_ serials: [WideSerial]) throws(TrustError) {
        for serial in serials {
            if kinds.last?.length != serial.length {
                try flushBlocks(atLeast: 0)
                begin(length: serial.length)
            }
            heads.append(serial.head)
            entryCodes.append(codes[Int(serial.code)])
            serial.appendTail(to: &tails)
            if heads.count >= Self.mostPending { try flushBlocks(atLeast: IndexPage.mostEntries) }
        }
        count += serials.count
    }

    /// Writes blocks until no more than `least` keys wait: a block is cut where it is full, so the keys after it must be
    /// known.
    private mutating func flushBlocks(atLeast least: Int) throws(TrustError) {
        var start = 0
        while heads.count - start > least {
            let size = blockCount(from: start)
            let (at, end) = (output.count, start + size)
            IndexPage.encode(
                heads: heads[start..<end], codes: entryCodes[start..<end],
                tails: tails[start * kind.tail..<end * kind.tail], kind: kind, to: &output)
            directory.appendLittleEndian(heads[start])
            directory += tails[start * kind.tail..<(start + 1) * kind.tail]
            directory.appendLittleEndian(UInt32(truncatingIfNeeded: written + at))
            directory.appendLittleEndian(CRC32C.of(output.span.bytes.extracting(at..<output.count)))
            kinds[kinds.count - 1].blocks += 1
            kinds[kinds.count - 1].entries += size
            start = end
            if output.count >= Self.outputRoom { try flushOutput() }
        }
        heads.removeFirst(start)
        entryCodes.removeFirst(start)
        tails.removeFirst(start * kind.tail)
    }

    /// How many keys from `start` on fill a block.
    private func blockCount(from start: Int) -> Int {
        var (fits, tooMany) = (1, min(heads.count - start, IndexPage.mostEntries) + 1)
        while tooMany - fits > 1 {
            let middle = (fits + tooMany) / 2
            let size = IndexPage.size(count: middle, span: heads[start + middle - 1] - heads[start], kind: kind)
            if size <= IndexPage.most { fits = middle } else { tooMany = middle }
        }
        return fits
    }

    private mutating func flushOutput() throws(TrustError) {
        guard written + output.count < Int(UInt32.max) else {
            throw TrustError(.crlUnusable, "the list is too long for an index")
        }
        try Self.write(output, to: descriptor, at: written)
        written += output.count
        output.removeAll(keepingCapacity: true)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) throws(TrustError) {
        try writeAll(bytes.span.bytes, to: descriptor, at: offset, what: "the index")
    }

    /// Writes what is left; the header, which makes the file an index, comes last.
    mutating func finish() throws(TrustError) {
        try flushBlocks(atLeast: 0)
        try flushOutput()
        var end: [UInt8] = [UInt8(kinds.count)]
        for kind in kinds {
            end.append(UInt8(kind.length))
            end.appendLittleEndian(UInt32(truncatingIfNeeded: kind.blocks))
            end.appendLittleEndian(UInt32(truncatingIfNeeded: kind.entries))
        }
        directory = end + directory
        var header = Self.magic
        header.appendLittleEndian(Self.version)
        header.appendLittleEndian(UInt32(about.count))
        header.appendLittleEndian(UInt64(count))
        header.appendLittleEndian(UInt64(written))
        header.appendLittleEndian(UInt32(directory.count))
        header.appendLittleEndian(CRC32C.of(about.span.bytes))
        header.appendLittleEndian(CRC32C.of(directory.span.bytes))
        header += [UInt8](repeating: 0, count: Self.headerSize - 4 - header.count)
        header.appendLittleEndian(CRC32C.of(header.span.bytes))
        try Self.write(directory, to: descriptor, at: written)
        try Self.write(header + about, to: descriptor, at: 0)
    }
}

/// Serials of one length of contents in an index; length 0 stands for the narrow ones.
struct IndexKind: Sendable {
    let length: Int
    var blocks = 0
    var entries = 0

    init(length: Int) { self.length = length }
}
