/// Sorts serials in bounded memory: what does not fit is scattered over 256 ranges in a scratch file, and each range is
/// sorted by itself. A list in any order, sorted or not, costs the same but for one more pass over crowded ranges.
struct SerialSorter<Record: SerialRecord> {
    private(set) var count = 0
    private let scratch: ScratchFolder
    private var pending: [Record] = []
    private var scatter: Scatter<Record>?

    /// Bytes of records that wait before they are scattered, and that are sorted at once.
    private static var waitingBytes: Int { 512 * 1_024 }
    private static var sortableBytes: Int { 1_536 * 1_024 }
    private static var mostPending: Int { waitingBytes / MemoryLayout<Record>.stride }

    init(scratch: ScratchFolder) { self.scratch = scratch }

    @inline(__always) mutating func append(_ record: Record) throws(TrustError) {
        if pending.count == Self.mostPending { try spill() }
        pending.append(record)
        count += 1
    }

    private mutating func spill() throws(TrustError) {
        if pending.capacity < Self.mostPending { pending.reserveCapacity(Self.mostPending) }
        if scatter == nil {
            scatter = Scatter(
                over: WordRange(of: pending, word: 0), file: try ScratchFile(in: scratch), from: 0)
        }
        try scatter?.take(pending)
        pending.removeAll(keepingCapacity: true)
    }

    /// Says that no more will come: what waits is scattered, or sorted where nothing was.
    mutating func seal() throws(TrustError) {
        if scatter != nil {
            try spill()
            pending = []
        } else {
            Self.sort(&pending, word: 0)
        }
    }

    /// Hands every serial over once, in order, after `seal`. Of one that stands twice the entry that revokes counts.
    /// - Throws: what `body` throws, and `storeUnavailable`.
    func drain(_ body: (Record) throws -> Void) throws {
        var merge = Merge<Record>()
        if let scatter { try Self.drain(scatter, &merge, body) }
        for record in pending { try merge.take(record, body) }
        try merge.end(body)
    }

    private static func drain(
        _ scatter: Scatter<Record>, _ merge: inout Merge<Record>, _ body: (Record) throws -> Void
    ) throws {
        var records: [Record] = []
        for bucket in 0..<Scatter<Record>.buckets {
            let count = scatter.count(bucket)
            guard count > 0 else { continue }
            guard count > sortableBytes / MemoryLayout<Record>.stride else {
                records.removeAll(keepingCapacity: true)
                try scatter.read(bucket) { records.append(contentsOf: $0) }
                sort(&records, word: scatter.range.word)
                for record in records { try merge.take(record, body) }
                continue
            }
            records = []
            // Crowded: scattered again over what it really holds.
            var range = WordRange<Record>(word: scatter.range.word)
            try scatter.read(bucket) { range.widen(by: $0) }
            while range.isOneValue, range.word + 1 < Record.words {
                range = WordRange(word: range.word + 1)
                try scatter.read(bucket) { range.widen(by: $0) }
            }
            guard !range.isOneValue else {
                // One serial, very often.
                try scatter.read(bucket) { for record in $0 { try merge.take(record, body) } }
                continue
            }
            var inner = Scatter(over: range, file: scatter.file, from: scatter.fileEnd)
            try scatter.read(bucket) { try inner.take($0) }
            try drain(inner, &merge, body)
        }
    }

    /// Sorts by `word` and, where that is equal, by the words after it; the words before it are equal.
    static func sort(_ records: inout [Record], word: Int) {
        guard records.count > 1 else { return }
        let range = WordRange<Record>(of: records, word: word)
        let bits = UInt64.bitWidth - (range.highest - range.lowest).leadingZeroBitCount
        guard records.count > 64 else { return records.sort { $0.precedes($1) } }
        if bits > 0 {
            let passes = (bits + 11) / 12
            let width = (bits + passes - 1) / passes
            var other = [Record](repeating: .blank, count: records.count)
            for pass in 0..<passes {
                let shift = UInt64(pass * width)
                let mask = (UInt64(1) << UInt64(width)) - 1
                var starts = [Int32](repeating: 0, count: 1 << width)
                for record in records { starts[Int((record.word(word) &- range.lowest) >> shift & mask)] += 1 }
                var sum: Int32 = 0
                for digit in starts.indices { (starts[digit], sum) = (sum, sum + starts[digit]) }
                for record in records {
                    let digit = Int((record.word(word) &- range.lowest) >> shift & mask)
                    other[Int(starts[digit])] = record
                    starts[digit] += 1
                }
                swap(&records, &other)
            }
        }
        guard word + 1 < Record.words else { return }
        var start = 0
        while start < records.count {
            var end = start + 1
            while end < records.count, records[end].word(word) == records[start].word(word) { end += 1 }
            if end - start > 1 { records[start..<end].sort { $0.precedes($1) } }
            start = end
        }
    }
}

/// What one word of some records spans.
struct WordRange<Record: SerialRecord> {
    let word: Int
    private(set) var lowest = UInt64.max
    private(set) var highest = UInt64.min

    init(word: Int) { self.word = word }

    init(of records: [Record], word: Int) {
        self.init(word: word)
        widen(by: records)
    }

    var isOneValue: Bool { lowest == highest }

    mutating func widen(by records: [Record]) {
        for record in records {
            let value = record.word(word)
            if value < lowest { lowest = value }
            if value > highest { highest = value }
        }
    }
}

/// Equal serials become one: the smallest code but removeFromCRL, which releases only where nothing else stands.
private struct Merge<Record: SerialRecord> {
    private var held: Record?

    @inline(__always) mutating func take(_ record: Record, _ body: (Record) throws -> Void) throws {
        guard let held else {
            self.held = record
            return
        }
        if held.isSame(as: record) {
            let release = UInt64(RevocationReason.removeFromCRL.rawValue)
            let rank = { (code: UInt64) in code == release ? 16 : code }
            if rank(record.code) < rank(held.code) { self.held = record }
        } else {
            try body(held)
            self.held = record
        }
    }

    mutating func end(_ body: (Record) throws -> Void) throws {
        if let held { try body(held) }
        held = nil
    }
}

/// Records in 256 ranges of one word; full buffers go to a file.
struct Scatter<Record: SerialRecord> {
    static var buckets: Int { 256 }
    /// Records of a bucket's buffer: 8 KiB.
    private static var room: Int { 8 * 1_024 / MemoryLayout<Record>.stride }

    let range: WordRange<Record>
    let file: ScratchFile
    /// Where the file's next chunk goes.
    private(set) var fileEnd: Int
    private let shift: UInt64
    private var buffers: [Record]
    private var fill = [Int](repeating: 0, count: buckets)
    private var chunks = [[Int]](repeating: [], count: buckets)

    /// - Parameters:
    ///   - range: what the first records span; what lies outside goes to the first and the last bucket.
    ///   - start: the file's end.
    init(over range: WordRange<Record>, file: ScratchFile, from start: Int) {
        (self.range, self.file, fileEnd) = (range, file, start)
        let bits = UInt64.bitWidth - (range.highest &- range.lowest).leadingZeroBitCount
        shift = UInt64(max(0, bits - 8))
        buffers = [Record](repeating: .blank, count: Self.buckets * Self.room)
    }

    func count(_ bucket: Int) -> Int { chunks[bucket].count * Self.room + fill[bucket] }

    mutating func take(_ records: [Record]) throws(TrustError) {
        for record in records {
            let value = record.word(range.word)
            let bucket = value < range.lowest ? 0 : Int(min(255, (value &- range.lowest) >> shift))
            let filled = fill[bucket]
            buffers[bucket * Self.room + filled] = record
            fill[bucket] = filled + 1
            if filled + 1 == Self.room { try flush(bucket) }
        }
    }

    private mutating func flush(_ bucket: Int) throws(TrustError) {
        let (file, start, end) = (file, bucket * Self.room, fileEnd)
        try file.write(buffers.span.extracting(start..<start + Self.room).bytes, at: end)
        chunks[bucket].append(fileEnd)
        fileEnd += Self.room * MemoryLayout<Record>.stride
        fill[bucket] = 0
    }

    /// Hands over a bucket's records, a chunk at a time, in the order in which they came.
    func read(_ bucket: Int, _ body: ([Record]) throws -> Void) throws {
        var chunk = [Record](repeating: .blank, count: Self.room)
        for offset in chunks[bucket] {
            try chunk.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
            try body(chunk)
        }
        if fill[bucket] > 0 {
            try body(Array(buffers[bucket * Self.room..<bucket * Self.room + fill[bucket]]))
        }
    }
}
