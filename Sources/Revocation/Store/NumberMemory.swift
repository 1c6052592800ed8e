internal import Certificates
internal import Files
internal import Glibc

/// A list that was taken once: what may never go back, even when the list itself is gone (RFC 5280 5.2.3).
struct RememberedList: Sendable, Equatable {
    /// Of issuer key, scope and kind.
    let id: [UInt8]
    /// Big-endian without leading zeros.
    let number: [UInt8]
    /// Seconds since 1970.
    let thisUpdate: Int64
    /// Of the TBSCertList, its first 32 bytes.
    let digest: [UInt8]

    init(id: [UInt8], fields: RevocationListFields, digest: [UInt8]) {
        (self.id, number, thisUpdate) = (id, fields.number, fields.thisUpdate)
        self.digest = Array(digest.prefix(32))
    }

    init(_ list: RevocationList) { self.init(id: list.id, fields: list.fields, digest: list.index.about.digest) }

    // id 16 | thisUpdate i64 | number's length u8 | number, right-justified, 21 | digest 32 | CRC-32C u32
    static let size = 82

    var encoded: [UInt8] {
        var bytes = id
        bytes.appendLittleEndian(thisUpdate)
        bytes.append(UInt8(truncatingIfNeeded: number.count))
        bytes += [UInt8](repeating: 0, count: max(0, 21 - number.count)) + number + digest
        bytes.appendLittleEndian(CRC32C.of(bytes.span.bytes))
        return bytes
    }

    /// Nil when it is not as it was written.
    init?(encoded: ArraySlice<UInt8>) {
        guard encoded.count == Self.size else { return nil }
        let bytes = Array(encoded)
        let span = bytes.span.bytes
        // safe: a record has its 82 bytes
        let numberLength = Int(truncatingIfNeeded: span.unsafeLoad(fromByteOffset: 24, as: UInt8.self))
        guard CRC32C.of(span.extracting(0..<78)) == span.word32(78), numberLength <= 21 else { return nil }
        id = Array(bytes.prefix(16))
        thisUpdate = Int64(bitPattern: span.word64(16))
        number = Array(bytes.prefix(46).suffix(numberLength))
        digest = Array(bytes.prefix(78).suffix(32))
    }

    /// - Throws: `crlRollback` when `self` may not follow `before`.
    /// - Returns: true when it is the same list.
    func follows(_ before: RememberedList) throws(RevocationError) -> Bool {
        guard !number.isBelow(before.number), thisUpdate >= before.thisUpdate else {
            throw RevocationError(.crlRollback, "a newer list of this issuer and scope was taken before")
        }
        guard number == before.number else { return false }
        guard digest == before.digest else {
            throw RevocationError(.crlRollback, "another list with the same CRL number was taken before")
        }
        return true
    }
}

/// The lists that were taken, in a file that only grows until it is written anew. It outlives the lists.
struct NumberMemory: Sendable {
    private static let magic = Array("KZNUMS1\n".utf8)
    private let path: String
    private var lists: [[UInt8]: RememberedList] = [:]
    /// Whole records in the file, its size, and what tells whether another process has written to it.
    private var records = 0
    private var size = -1
    private var stamp: [Int] = []
    /// Parts of the file, its beginning or a record, that are not as they were written, and records that are not there
    /// though their lists are served.
    private(set) var damaged = 0

    init(path: String) { self.path = path }

    subscript(id: [UInt8]) -> RememberedList? { lists[id] }
    var count: Int { lists.count }

    /// Reads the file where another process has written to it. A number is on the disk before its index is, and goes
    /// after it: an index whose number is not there tells of a file that was lost or cut short.
    /// - Parameters:
    ///   - indexes: the ids of indexes.
    ///   - isServed: whether an index is there still, and can be served.
    /// - Throws: `storeUnavailable`.
    mutating func refresh(indexes: () -> [[UInt8]], isServed: ([UInt8]) -> Bool) throws(RevocationError) {
        guard fileStamp(path).map({ $0 != stamp }) ?? true else { return }
        // Before the file is read, and looked for again after: other processes take lists meanwhile, and forget some.
        let ids = indexes()
        if let stamp = fileStamp(path) {
            guard let bytes = readFile(path) else { throw unavailable }
            read(bytes)
            self.stamp = stamp
        } else {
            guard errno == ENOENT else { throw unavailable }
            (lists, records, size, stamp, damaged) = ([:], 0, -1, [], 0)
        }
        damaged += ids.count { lists[$0] == nil && isServed($0) }
    }

    private mutating func read(_ bytes: [UInt8]) {
        // It is never written without its beginning.
        (lists, damaged) = ([:], bytes.starts(with: Self.magic) ? 0 : 1)
        // Each record vouches for itself, whatever became of the others.
        records = max(0, bytes.count - Self.magic.count) / RememberedList.size
        for index in 0..<records {
            let start = Self.magic.count + index * RememberedList.size
            guard let list = RememberedList(encoded: bytes.dropFirst(start).prefix(RememberedList.size)) else {
                damaged += 1
                continue
            }
            lists[list.id] = list
        }
        size = bytes.count
    }

    /// Remembers durably; after it returned no older list can follow.
    /// - Throws: `storeUnavailable`.
    mutating func remember(_ new: [RememberedList]) throws(RevocationError) {
        let new = new.filter { self[$0.id] != $0 }
        guard !new.isEmpty else { return }
        // A record that power cut short is overwritten. Each list adds one a day: now and then the file is written anew.
        if size < Self.magic.count || records > 4 * lists.count + 1_000 {
            let ids = Set(new.map(\.id))
            return try rewrite(lists.values.filter { !ids.contains($0.id) } + new)
        } else {
            let offset = Self.magic.count + records * RememberedList.size
            let bytes = new.flatMap(\.encoded)
            try onDisk { () throws(FilesError) in try DurableFile.write(bytes, at: offset, of: path) }
            records += new.count
            size = max(size, offset + bytes.count)
        }
        stamp = fileStamp(path) ?? []
        for list in new { lists[list.id] = list }
    }

    /// Makes the file anew of what can still be read of it and of lists that are served.
    /// - Throws: `storeUnavailable`.
    mutating func rebuild(with served: [RememberedList]) throws(RevocationError) {
        for list in served where lists[list.id].map({ $0.number.isBelow(list.number) }) ?? true {
            lists[list.id] = list
        }
        try rewrite(Array(lists.values))
    }

    /// Forgets a list durably: an older one may follow.
    /// - Throws: `storeUnavailable`.
    mutating func forget(_ id: [UInt8]) throws(RevocationError) {
        guard lists[id] != nil else { return }
        try rewrite(lists.values.filter { $0.id != id })
    }

    private mutating func rewrite(_ all: [RememberedList]) throws(RevocationError) {
        var bytes = Self.magic
        for list in all { bytes += list.encoded }
        try onDisk { () throws(FilesError) in try DurableFile.replace(path, with: bytes) }
        (records, size, damaged) = (all.count, bytes.count, 0)
        stamp = fileStamp(path) ?? []
        lists = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    }

    private var unavailable: RevocationError {
        RevocationError(.storeUnavailable, "the memory of CRL numbers cannot be read (\(systemError()))")
    }
}
