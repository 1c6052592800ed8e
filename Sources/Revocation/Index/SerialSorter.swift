internal import Certificates
// lint: reads nothing foreign: sorts serials that were read and checked
internal import Files

/// Sorts serials in bounded memory: what does not fit is scattered over 256 ranges in a scratch file, and each range is
/// sorted by itself. A list in any order, sorted or not, costs the same but for one more pass over crowded ranges.
struct SerialSorter<Record: SerialRecord> {
    private let scratch: ScratchFolder
    /// Room for records, and how many stand in it.
    private var pending: [Record] = []
    private var waiting = 0
    private var scatter: Scatter<Record>?
    /// The codes that occur, as bits.
    private(set) var codes: UInt64 = 0

    /// Bytes of records that wait before they are scattered, and that are sorted at once.
    private static var mostWaiting: Int { 256 * 1_024 / MemoryLayout<Record>.stride }
    private static var mostSorted: Int { 1_536 * 1_024 / MemoryLayout<Record>.stride }

    init(scratch: ScratchFolder) { self.scratch = scratch }

    mutating func append(_ record: Record) throws(RevocationError) {
        try append { room, free in
            room[free.lowerBound] = record
            return 1
        }
    }

    /// Lets `body` put records into the free part of some room, of one record at least, and say how many it put there.
    @inline(__always)
    mutating func append(_ body: (inout MutableSpan<Record>, Range<Int>) -> Int) throws(RevocationError) {
        if waiting == pending.count {
            if waiting == Self.mostWaiting { try spill() } else { grow() }
        }
        let free = waiting..<pending.count
        var room = pending.mutableSpan
        waiting += body(&room, free)
    }

    private mutating func grow() {
        let more = min(max(256, 3 * pending.count), Self.mostWaiting - pending.count)
        pending.append(contentsOf: repeatElement(.blank, count: more))
    }

    private mutating func noteCodes() {
        codes = pending[..<waiting].reduce(codes) { $0 | 1 &<< $1.code }
    }

    private mutating func spill() throws(RevocationError) {
        noteCodes()
        if scatter == nil {
            var range = WordRange<Record>(word: 0)
            range.widen(by: pending[..<waiting])
            scatter = Scatter(
                over: range, file: try onDisk { () throws(FilesError) in try ScratchFile(in: scratch) }, from: 0)
        }
        try scatter?.take(pending[..<waiting])
        waiting = 0
    }

    /// Says that no more will come: what waits is scattered, or sorted where nothing was.
    mutating func seal() throws(RevocationError) {
        if scatter != nil {
            try spill()
            pending = []
        } else {
            noteCodes()
            pending.removeLast(pending.count - waiting)
            var other: [Record] = []
            Self.sort(&pending, word: 0, with: &other)
            Self.merge(&pending)
        }
    }

    /// Hands every serial over once, in order, some at a time, after `seal`. Of one that stands twice the entry that
    /// revokes counts.
    /// - Throws: what `body` throws, and `storeUnavailable`.
    func drain(_ body: ([Record]) throws(RevocationError) -> Void) throws(RevocationError) {
        if let scatter { try Self.drain(scatter, body) } else { try body(pending) }
    }

    private static func drain(_ scatter: Scatter<Record>, _ body: ([Record]) throws(RevocationError) -> Void)
        throws(RevocationError)
    {
        var (records, other): ([Record], [Record]) = ([], [])
        for bucket in 0..<Scatter<Record>.buckets {
            // A list of a nation takes its time after its last byte, too: who ends the program does not wait for it.
            guard !Task.isCancelled else {
                throw RevocationError(.storeUnavailable, "the import was ended from outside")
            }
            let count = scatter.count(bucket)
            guard count > mostSorted else {
                try scatter.read(bucket, into: &records)
                sort(&records, word: scatter.range.word, with: &other)
                merge(&records)
                try body(records)
                continue
            }
            (records, other) = ([], [])
            // Crowded: scattered again over what it really holds.
            var range = WordRange<Record>(word: scatter.range.word)
            try scatter.read(bucket) { range.widen(by: $0) }
            while range.isOneValue, range.word + 1 < Record.words {
                range = WordRange(word: range.word + 1)
                try scatter.read(bucket) { range.widen(by: $0) }
            }
            guard !range.isOneValue else {
                // One serial, very often.
                try scatter.read(bucket) { (chunk) throws(RevocationError) in
                    records += chunk
                    merge(&records)
                }
                try body(records)
                continue
            }
            var inner = Scatter(over: range, file: scatter.file, from: scatter.fileEnd)
            try scatter.read(bucket) { (chunk) throws(RevocationError) in try inner.take(chunk) }
            try drain(inner, body)
        }
    }

    /// Equal serials, which stand together, become one: the smallest code but removeFromCRL, which releases only where
    /// nothing else stands.
    private static func merge(_ records: inout [Record]) {
        guard var kept = records.first else { return }
        let release = UInt64(RevocationReason.removeFromCRL.rawValue)
        func rank(_ record: Record) -> UInt64 { record.code == release ? 16 : record.code }
        var span = records.mutableSpan
        var end = 0
        for index in 1..<max(1, span.count) {
            let record = span[index]
            if record.isSame(as: kept) {
                if rank(record) < rank(kept) { kept = record }
            } else {
                span[end] = kept
                end += 1
                kept = record
            }
        }
        span[end] = kept
        if end + 1 < records.count { records.removeLast(records.count - end - 1) }
    }

    /// Sorts by `word` and, where that is equal, by the words after it; the words before it are equal.
    /// - Parameter other: room that is used again by the next sort.
    private static func sort(_ records: inout [Record], word: Int, with other: inout [Record]) {
        guard records.count > 1 else { return }
        var range = WordRange<Record>(word: word)
        range.widen(by: records[...])
        let bits = UInt64.bitWidth - (range.highest - range.lowest).leadingZeroBitCount
        guard records.count > 64 else { return records.sort { $0.precedes($1) } }
        if bits > 0 {
            let passes = (bits + 8) / 9
            let width = (bits + passes - 1) / passes
            let digits = Digits(word: word, lowest: range.lowest, width: width)
            if other.count < records.count {
                other.append(contentsOf: repeatElement(.blank, count: records.count - other.count))
            } else {
                other.removeLast(other.count - records.count)
            }
            var starts = digits.starts(of: records.span, passes: passes)
            for pass in 0..<passes {
                digits.distribute(records.span, into: &other, pass: pass, &starts)
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

    /// The digits of a radix sort: `width` bits each of what a word lies above the lowest one.
    private struct Digits {
        let word: Int
        let lowest: UInt64
        let width: Int

        @inline(__always) private func digit(_ record: Record, _ pass: Int) -> Int {
            Int((record.word(word) &- lowest) &>> UInt64(pass &* width) & ((1 &<< UInt64(width)) &- 1))
        }

        /// Where in each pass the records with each digit begin.
        func starts(of records: Span<Record>, passes: Int) -> [UInt32] {
            var counters = [UInt32](repeating: 0, count: passes << width)
            var starts = counters.mutableSpan
            for index in 0..<records.count {
                let record = records[index]
                for pass in 0..<passes { starts[pass &<< width | digit(record, pass)] &+= 1 }
            }
            for pass in 0..<passes {
                var sum: UInt32 = 0
                for place in pass << width..<(pass + 1) << width {
                    let count = starts[place]
                    starts[place] = sum
                    sum &+= count
                }
            }
            return counters
        }

        /// One pass: by its digit, and in order where that is equal.
        func distribute(_ records: Span<Record>, into output: inout [Record], pass: Int, _ starts: inout [UInt32]) {
            var starts = starts.mutableSpan
            var output = output.mutableSpan
            for index in 0..<records.count {
                let record = records[index]
                let digit = pass &<< width | digit(record, pass)
                let place = starts[digit]
                output[Int(place)] = record
                starts[digit] = place &+ 1
            }
        }
    }
}

/// What one word of some records spans.
struct WordRange<Record: SerialRecord> {
    let word: Int
    private(set) var lowest = UInt64.max
    private(set) var highest = UInt64.min

    init(word: Int) { self.word = word }

    var isOneValue: Bool { lowest == highest }

    mutating func widen(by records: ArraySlice<Record>) {
        for record in records {
            let value = record.word(word)
            if value < lowest { lowest = value }
            if value > highest { highest = value }
        }
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

    mutating func take(_ records: ArraySlice<Record>) throws(RevocationError) {
        var rest = records
        while let full = Self.place(&rest, in: range, shift: shift, &buffers, &fill) {
            let chunk = full * Self.room..<(full + 1) * Self.room
            do throws(FilesError) {
                try file.write(buffers.span.extracting(chunk).bytes, at: fileEnd)
            } catch {
                throw RevocationError(error)
            }
            chunks[full].append(fileEnd)
            fileEnd += Self.room * MemoryLayout<Record>.stride
            fill[full] = 0
        }
    }

    /// Puts records into their buckets' buffers.
    /// - Returns: the first bucket that is full, with what is left in `records`; nil when all were placed.
    private static func place(
        _ records: inout ArraySlice<Record>, in range: WordRange<Record>, shift: UInt64, _ buffers: inout [Record],
        _ fill: inout [Int]
    ) -> Int? {
        let room = room
        var buffers = buffers.mutableSpan
        var fill = fill.mutableSpan
        var placed = 0
        for record in records {
            let value = max(range.lowest, record.word(range.word))
            let bucket = value > range.highest ? buckets - 1 : Int((value &- range.lowest) &>> shift)
            let filled = fill[bucket]
            buffers[bucket * room + filled] = record
            fill[bucket] = filled + 1
            placed += 1
            if filled + 1 == room {
                records = records.dropFirst(placed)
                return bucket
            }
        }
        return nil
    }

    /// Hands over a bucket's records, a chunk at a time, in the order in which they came.
    func read(_ bucket: Int, _ body: (ArraySlice<Record>) throws(RevocationError) -> Void) throws(RevocationError) {
        var chunk = [Record](repeating: .blank, count: Self.room)
        for offset in chunks[bucket] {
            var span = chunk.mutableSpan
            var bytes = span.mutableBytes
            try read(&bytes, 0..<bytes.byteCount, at: offset)
            try body(chunk[...])
        }
        try body(buffers[bucket * Self.room..<bucket * Self.room + fill[bucket]])
    }

    private func read(_ bytes: inout MutableRawSpan, _ range: Range<Int>, at offset: Int) throws(RevocationError) {
        do throws(FilesError) {
            try file.read(into: &bytes, range, at: offset)
        } catch {
            throw RevocationError(error)
        }
    }

    /// All of a bucket's records.
    func read(_ bucket: Int, into records: inout [Record]) throws(RevocationError) {
        records.removeAll(keepingCapacity: true)
        records.append(contentsOf: repeatElement(.blank, count: count(bucket)))
        var start = 0
        let stride = MemoryLayout<Record>.stride
        for offset in chunks[bucket] {
            var span = records.mutableSpan
            var bytes = span.mutableBytes
            try read(&bytes, start * stride..<(start + Self.room) * stride, at: offset)
            start += Self.room
        }
        var span = records.mutableSpan
        for index in 0..<fill[bucket] { span[start + index] = buffers[bucket * Self.room + index] }
    }
}
