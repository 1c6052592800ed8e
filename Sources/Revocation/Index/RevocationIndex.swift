internal import Certificates
internal import Synchronization

/// CRLReason (RFC 5280 5.3.1).
package enum RevocationReason: Int, Sendable, CaseIterable {
    case unspecified = 0
    case keyCompromise = 1
    case caCompromise = 2
    case affiliationChanged = 3
    case superseded = 4
    case cessationOfOperation = 5
    case certificateHold = 6
    /// Only in a delta list: the certificate is released from hold.
    case removeFromCRL = 8
    case privilegeWithdrawn = 9
    case aaCompromise = 10

    /// The codes above as bits.
    static let known: UInt64 = 0b111_0111_1111
}

/// A certificate's serial number as its canonical two's complement bytes: an identity, so it prints as nothing.
package struct SerialNumber: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    /// - Parameter contents: of the INTEGER, minimal or not.
    package init(contents: some Collection<UInt8>) {
        var rest = Array(contents)[...]
        while rest.count > 1, let first = rest.first {
            let second = rest[rest.startIndex + 1]  // safe: there are two
            guard (first == 0x00 && second & 0x80 == 0) || (first == 0xFF && second & 0x80 != 0) else { break }
            rest = rest.dropFirst()
        }
        bytes = Array(rest)
    }

    package var description: String { "[serial]" }
}

/// Answers which serials a list names, exactly, from a mapped file. Opening checks the header and the directory; a block
/// is checked at its first touch. What is not as it was written is an error, never an answer.
package final class RevocationIndex: Sendable {
    let about: IndexAbout
    /// Serials on the list.
    package let count: Int
    /// Bytes of the file.
    package var byteCount: Int { file.count }

    private let file: MappedFile
    private let reasons: [RevocationReason]
    private let sections: [Section]
    private let checked: CheckedBlocks

    /// The blocks of one kind of serial.
    private struct Section: Sendable {
        let length: Int
        let kind: IndexPage.Kind
        let blocks: Int
        /// Of the section's part of the directory, in the file.
        let directory: Int
        /// The number of its first block among all.
        let firstBlock: Int

        var entrySize: Int { 16 + kind.tail }
    }

    /// - Parameter descriptor: stays the caller's.
    /// - Throws: `storeDamaged` for what no writer wrote, `storeUnavailable` when it can't be read.
    package init(descriptor: Int32) throws(RevocationError) {
        let file = try MappedFile(descriptor: descriptor)
        self.file = file
        let header = try Self.header(of: file)
        let about = file.withBytes(IndexWriter.headerSize..<IndexWriter.headerSize + header.about) { span in
            span.withUnsafeBytes { Array($0) }
        }
        (self.about, reasons) = try IndexAbout.decode(about)
        count = header.count
        sections = try Self.sections(of: file, header, codeBits: IndexWriter.bits(for: reasons.count))
        let blocks = sections.reduce(0) { $0 + $1.blocks }
        checked = CheckedBlocks(count: blocks)
    }

    private struct Header {
        let about, count, directory, directorySize: Int
    }

    private static func header(of file: MappedFile) throws(RevocationError) -> Header {
        guard file.count >= IndexWriter.headerSize else { throw damaged("it is too short") }
        return try file.withBytes(0..<file.count) { (bytes) throws(RevocationError) -> Header in
            let start = bytes.extracting(0..<IndexWriter.headerSize)
            guard start.word32(60) == CRC32C.of(start.extracting(0..<60)),
                start.extracting(0..<8).withUnsafeBytes({ $0.elementsEqual(IndexWriter.magic) })
            else { throw damaged("its header is not whole") }
            guard start.word32(8) == IndexWriter.version else {
                throw damaged("its version is \(start.word32(8)), not \(IndexWriter.version)")
            }
            let (about, directorySize) = (
                Int(truncatingIfNeeded: start.word32(12)), Int(truncatingIfNeeded: start.word32(32))
            )
            guard let count = Int(exactly: start.word64(16)), let directory = Int(exactly: start.word64(24)),
                directory >= IndexWriter.headerSize + about, directory <= bytes.byteCount,
                directorySize == bytes.byteCount - directory
            else { throw damaged("its length is not what it says") }
            let aboutBytes = bytes.extracting(IndexWriter.headerSize..<IndexWriter.headerSize + about)
            guard CRC32C.of(aboutBytes) == start.word32(36),
                CRC32C.of(bytes.extracting(directory..<bytes.byteCount)) == start.word32(40)
            else { throw damaged("its directory is not whole") }
            return Header(about: about, count: count, directory: directory, directorySize: directorySize)
        }
    }

    private static func sections(of file: MappedFile, _ header: Header, codeBits: Int) throws(RevocationError)
        -> [Section]
    {
        try file.withBytes(header.directory..<file.count) { (bytes) throws(RevocationError) -> [Section] in
            guard bytes.byteCount > 0 else { throw damaged("its directory is empty") }
            // safe: it is not empty
            let kinds = Int(truncatingIfNeeded: bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
            var at = 1 + 9 * kinds
            guard bytes.byteCount >= at else { throw damaged("its directory is too short") }
            var sections: [Section] = []
            var (blocks, entries) = (0, 0)
            for index in 0..<kinds {
                // safe: all kinds are within it
                let length = Int(truncatingIfNeeded: bytes.unsafeLoad(fromByteOffset: 1 + 9 * index, as: UInt8.self))
                let count = Int(truncatingIfNeeded: bytes.word32(2 + 9 * index))
                guard length <= 21 else { throw damaged("its directory names serials of \(length) bytes") }
                let section = Section(
                    length: length, kind: IndexPage.Kind(tail: max(0, length - 8), codeBits: codeBits), blocks: count,
                    directory: header.directory + at, firstBlock: blocks)
                sections.append(section)
                at += section.entrySize * count
                blocks += count
                entries += Int(truncatingIfNeeded: bytes.word32(6 + 9 * index))
            }
            guard at == bytes.byteCount, entries == header.count else {
                throw damaged("its directory is not as it was written")
            }
            return sections
        }
    }

    /// - Returns: nil when the list does not name `serial`.
    /// - Throws: `storeDamaged` when the index cannot be believed any more.
    package func reason(for serial: SerialNumber) throws(RevocationError) -> RevocationReason? {
        if let value = serial.narrowValue {
            guard let section = sections.first, section.length == 0 else { return nil }
            return try find(head: value, tail: [], in: section)
        }
        guard let section = sections.first(where: { $0.length == serial.bytes.count }) else { return nil }
        return try find(head: serial.words.0, tail: serial.bytes[...].dropFirst(8), in: section)
    }

    private func find(head: UInt64, tail: ArraySlice<UInt8>, in section: Section) throws(RevocationError)
        -> RevocationReason?
    {
        try file.withBytes(0..<file.count) { (bytes) throws(RevocationError) -> RevocationReason? in
            let size = section.entrySize
            let directory = bytes.extracting(section.directory..<section.directory + size * section.blocks)
            // The last block whose first key is not above the one that is looked for.
            var (low, high) = (0, section.blocks)
            while low < high {
                let middle = (low + high) / 2
                let first = directory.word64(size * middle)
                let isAbove = first > head || (first == head && directory.precedes(tail, at: size * middle + 8))
                if isAbove { high = middle } else { low = middle + 1 }
            }
            guard low > 0 else { return nil }
            let block = low - 1
            let contents = bytes.extracting(try place(of: block, in: section, bytes))
            let code = try IndexPage.find(
                head: head, tail: tail, first: directory.word64(size * block), kind: section.kind, in: contents)
            guard let code else { return nil }
            guard Int(truncatingIfNeeded: code) < reasons.count else {
                throw Self.damaged("a block names a reason that is none")
            }
            return reasons[Int(truncatingIfNeeded: code)]
        }
    }

    /// Where a block ends: at the next one, or at the directory.
    private func end(of block: Int, in section: Section, _ bytes: RawSpan) -> Int {
        if block + 1 < section.blocks {
            return Int(
                truncatingIfNeeded: bytes.word32(
                    section.directory + section.entrySize * (block + 1) + 8 + section.kind.tail))
        }
        let next = sections.first { $0.firstBlock == section.firstBlock + section.blocks && $0.blocks > 0 }
        guard let next else { return Int(truncatingIfNeeded: bytes.word64(24)) }
        return Int(truncatingIfNeeded: bytes.word32(next.directory + 8 + next.kind.tail))
    }

    /// Where a block lies in the file, once it was found as it was written.
    private func place(of block: Int, in section: Section, _ bytes: RawSpan) throws(RevocationError) -> Range<Int> {
        let entry = section.directory + section.entrySize * block + 8 + section.kind.tail
        let (start, end) = (Int(truncatingIfNeeded: bytes.word32(entry)), end(of: block, in: section, bytes))
        guard start >= IndexWriter.headerSize, start < end, end <= bytes.byteCount else {
            throw Self.damaged("a block lies where none can be")
        }
        let number = section.firstBlock + block
        if !checked[number] {  // safe: a block of the directory has its bit
            guard CRC32C.of(bytes.extracting(start..<end)) == bytes.word32(entry + 4) else {
                throw Self.damaged("a block of it was altered")
            }
            checked.note(number)
        }
        return start..<end
    }

    /// Checks every block.
    package func checkWhole() throws(RevocationError) {
        try file.withBytes(0..<file.count) { (bytes) throws(RevocationError) in
            for section in sections {
                for block in 0..<section.blocks { _ = try place(of: block, in: section, bytes) }
            }
        }
    }

    private static func damaged(_ what: String) -> RevocationError {
        RevocationError(.storeDamaged, "an index cannot be believed: \(what)")
    }
}

/// A bit for each block that was found whole, set once and read without waiting.
private final class CheckedBlocks: @unchecked Sendable {
    // The words are atomic; the pointer to them never changes.
    private let words: UnsafeMutableBufferPointer<Atomic<UInt64>>

    init(count: Int) {
        words = .allocate(capacity: (count + 63) / 64)
        for index in words.indices { words.initializeElement(at: index, to: Atomic(0)) }
    }

    deinit {
        words.deinitialize()
        words.deallocate()
    }

    subscript(block: Int) -> Bool {
        precondition(words.indices.contains(block / 64))  // safe: only blocks of the directory are asked for
        // safe: within
        return words[block / 64].load(ordering: .relaxed) & (1 &<< UInt64(truncatingIfNeeded: block % 64)) != 0
    }

    func note(_ block: Int) {
        precondition(words.indices.contains(block / 64))  // safe: only blocks of the directory are asked for
        // safe: within
        words[block / 64].bitwiseOr(1 &<< UInt64(truncatingIfNeeded: block % 64), ordering: .relaxed)
    }
}

extension RawSpan {
    /// True when `bytes` come before what stands at `start`.
    fileprivate func precedes(_ bytes: ArraySlice<UInt8>, at start: Int) -> Bool {
        var at = start
        for byte in bytes {
            let here = unsafeLoad(fromByteOffset: at, as: UInt8.self)  // safe: tails are within their directory
            if byte != here { return byte < here }
            at += 1
        }
        return false
    }
}
