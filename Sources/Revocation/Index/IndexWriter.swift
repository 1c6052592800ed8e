internal import Certificates
// lint: reads nothing foreign: writes serials that were read and checked
internal import Files

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
    private(set) var count = 0

    /// Serials that do not stand in a block yet.
    private var narrow: [NarrowSerial] = []
    private var wide: [WideSerial] = []
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

    /// Takes serials in order, the narrow ones first.
    mutating func append(_ serials: [NarrowSerial]) throws(RevocationError) {
        narrow += serials
        if narrow.count >= Self.mostPending { try flushNarrow(atLeast: IndexPage.mostEntries) }
    }

    mutating func append(_ serials: [WideSerial]) throws(RevocationError) {
        try flushNarrow(atLeast: 0)
        var rest = serials[...]
        // Those of one length are one kind.
        while let first = rest.first {
            if let last = wide.last, last.length != first.length { try flushWide(atLeast: 0) }
            let end = rest.firstIndex { $0.length != first.length } ?? rest.endIndex
            wide += rest[..<end]
            rest = rest[end...]
            if wide.count >= Self.mostPending { try flushWide(atLeast: IndexPage.mostEntries) }
        }
    }

    private mutating func flushNarrow(atLeast least: Int) throws(RevocationError) {
        var pending: [NarrowSerial] = []
        swap(&pending, &narrow)
        try flush(&pending, atLeast: least)
        narrow = pending
    }

    private mutating func flushWide(atLeast least: Int) throws(RevocationError) {
        var pending: [WideSerial] = []
        swap(&pending, &wide)
        try flush(&pending, atLeast: least)
        wide = pending
    }

    /// Writes blocks until no more than `least` serials of one kind wait: a block is cut where it is full, so the serials
    /// after it must be known.
    private mutating func flush<Record: SerialRecord>(_ pending: inout [Record], atLeast least: Int)
        throws(RevocationError)
    {
        guard let length = pending.first?.length else { return }
        if kinds.last?.length != length { kinds.append(IndexKind(length: length)) }
        let kind = IndexPage.Kind(tail: max(0, length - 8), codeBits: codeBits)
        var start = 0
        while pending.count - start > least {
            let size = Self.blockCount(pending[start...], kind)
            let (at, block) = (output.count, pending[start..<start + size])
            IndexPage.encode(block, codes: codes, kind: kind, to: &output)
            directory.appendLittleEndian(pending[start].head)
            pending[start].appendTail(to: &directory)
            directory.appendLittleEndian(UInt32(truncatingIfNeeded: written + at))
            directory.appendLittleEndian(CRC32C.of(output.span.bytes.extracting(at..<output.count)))
            kinds[kinds.count - 1].blocks += 1
            kinds[kinds.count - 1].entries += size
            start += size
            if output.count >= Self.outputRoom { try flushOutput() }
        }
        count += start
        pending.removeFirst(start)
    }

    /// How many of the first serials fill a block.
    private static func blockCount<Record: SerialRecord>(_ pending: ArraySlice<Record>, _ kind: IndexPage.Kind) -> Int {
        let start = pending.startIndex
        var (fits, tooMany) = (1, min(pending.count, IndexPage.mostEntries) + 1)
        while tooMany - fits > 1 {
            let middle = (fits + tooMany) / 2
            let span = pending[start + middle - 1].head - pending[start].head
            if IndexPage.size(count: middle, span: span, kind: kind) <= IndexPage.most {
                fits = middle
            } else {
                tooMany = middle
            }
        }
        return fits
    }

    private mutating func flushOutput() throws(RevocationError) {
        guard written + output.count < Int(UInt32.max) else {
            throw RevocationError(.crlUnusable, "the list is too long for an index")
        }
        try Self.write(output, to: descriptor, at: written)
        written += output.count
        output.removeAll(keepingCapacity: true)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) throws(RevocationError) {
        try onDisk { () throws(FilesError) in
            try writeAll(bytes.span.bytes, to: descriptor, at: offset, of: "the index")
        }
    }

    /// Writes what is left; the header, which makes the file an index, comes last.
    mutating func finish() throws(RevocationError) {
        try flushNarrow(atLeast: 0)
        try flushWide(atLeast: 0)
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
