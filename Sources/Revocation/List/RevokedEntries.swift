internal import Certificates
internal import Files
internal import TLV

/// revokedCertificates (RFC 5280 5.1.2.6), taken entry by entry as the bytes pass. Nothing is kept of an entry but its
/// serial and its reason.
struct RevokedEntries {
    var serials: SerialCollector

    init(scratch: ScratchFolder) { serials = SerialCollector(scratch: scratch) }

    /// Takes every entry that lies whole in `bytes`.
    /// - Returns: the bytes that were taken; fewer than given when the last entry is not whole.
    /// - Throws: `TLVError` or `RevocationError` for an entry that no list may have.
    mutating func take(_ bytes: RawSpan) throws -> Int {
        var at = 0
        while true {
            let before = at
            at = try Self.takeUsual(bytes, from: at, into: &serials.narrow)
            at = try Self.takeUsual(bytes, from: at, into: &serials.wide)
            guard at == before else { continue }
            let count = try takeAny(bytes, from: at)
            if count == 0 { return at }
            at += count
        }
    }

    /// Takes entries of the usual shape (a UTCTime, and no extension but reasonCode) with serials of one kind, until another
    /// one comes or too few bytes are left. What it takes `takeAny` would take too, and with the same result; it is only
    /// faster.
    /// - Returns: where it stopped.
    private static func takeUsual<Record: SerialRecord>(
        _ bytes: RawSpan, from start: Int, into sorter: inout SerialSorter<Record>
    ) throws(RevocationError) -> Int {
        var at = start
        var isFull = true
        while isFull {
            isFull = false
            try sorter.append { room, free in
                for place in free {
                    guard let record = usual(bytes, &at) as Record? else { return place - free.lowerBound }
                    room[place] = record  // safe: a place of the free ones
                }
                isFull = true
                return free.count
            }
        }
        return at
    }

    /// Reads one entry of the usual shape.
    /// - Returns: nil, with `at` where it was, when it has another shape or another kind of serial.
    @inline(__always)
    private static func usual<Record: SerialRecord>(_ bytes: RawSpan, _ at: inout Int) -> Record? {
        // SEQUENCE { INTEGER of up to 20 bytes, UTCTime } and the 14 bytes of reasonCode: 53 bytes at the most.
        let most = 64
        guard at <= bytes.byteCount - most else { return nil }
        let entry = bytes.extracting(at..<at &+ most)
        // 30 <length> 02 <serial's length>
        let head = entry.word32(0)
        guard head & 0x00FF_00FF == 0x0002_0030 else { return nil }
        let length = Int(truncatingIfNeeded: head >> 24)
        let hasReason = Int(truncatingIfNeeded: (head >> 8) & 0xFF) == length + 31
        guard hasReason || Int(truncatingIfNeeded: (head >> 8) & 0xFF) == length + 17, length >= 1, length <= 20 else {
            return nil
        }
        let leading = entry.word64(4).byteSwapped
        // The shortest form: the first nine bits are not all alike.
        let nine = leading >> 55
        guard length == 1 || (nine != 0 && nine != 0x1FF) else { return nil }
        let time = 4 &+ length
        guard isUTCTime(header: entry.word32(time), entry.word64(time &+ 2), entry.word64(time &+ 7)) else {
            return nil
        }
        var code: UInt64 = 0
        if hasReason {
            // 30 0C 30 0A 06 03 55 1D 15 04 03 0A 01 <code>
            guard entry.word64(time &+ 15) == 0x1D55_0306_0A30_0C30, entry.word64(time &+ 20) == 0x010A_0304_151D_5503
            else { return nil }
            code = entry.word64(time &+ 21) >> 56
            guard code <= 10, RevocationReason.known & (1 << code) != 0 else { return nil }
        }
        let contents = (leading, entry.word64(12).byteSwapped, entry.word64(20).byteSwapped)
        guard let record = Record(length: length, contents, code: code) else { return nil }
        at += time &+ (hasReason ? 29 : 15)
        return record
    }

    /// 17 0D, and thirteen characters `YYMMDDhhmmssZ` that are a date and a time: eight of them at a time.
    @inline(__always)
    private static func isUTCTime(header: UInt32, _ first: UInt64, _ last: UInt64) -> Bool {
        let date = first ^ 0x3030_3030_3030_3030
        // Begins with the last digit of the day, ends with Z.
        let clock = last ^ 0x5A30_3030_3030_3030
        let sixes: UInt64 = 0x0606_0606_0606_0606
        let digits = (date | (date &+ sixes) | clock | (clock &+ sixes)) & 0xF0F0_F0F0_F0F0_F0F0
        let lanes: UInt64 = 0x00FF_00FF_00FF_00FF
        let dates = (date & lanes) &* 10 &+ ((date >> 8) & lanes)
        let times = ((clock >> 8) & lanes) &* 10 &+ ((clock >> 16) & lanes)
        let (year, month, day) = (dates & 0xFF, (dates >> 16) & 0xFF, (dates >> 32) & 0xFF)
        // Days beyond 28, two bits a month. Of the years 1950 to 2049 every fourth has a leap day.
        let beyond = (0x03BB_EECC >> (2 * (month & 0xF))) & 3
        let days = 28 + beyond + (month == 2 && year & 3 == 0 ? 1 : 0)
        // A lane beyond 23, 59, 59 or 0 sets its sign.
        let outside = (times &+ 0x7FFF_7FC4_7FC4_7FE8) & 0x8000_8000_8000_8000
        return header & 0xFFFF == 0x0D17 && digits == 0 && outside == 0 && month >= 1 && month <= 12 && day >= 1
            && day <= days
    }

    /// Takes one entry of any shape.
    /// - Returns: its bytes; 0 when it is not whole.
    private mutating func takeAny(_ bytes: RawSpan, from at: Int) throws -> Int {
        let end = bytes.byteCount
        guard end > at else { return 0 }
        let start = bytes.extracting(at..<min(end, at + 6)).withUnsafeBytes { Array($0) }
        var reader = TLVReader(start, rules: .der)
        let header: TLVHeader
        do throws(TLVError) {
            header = try reader.nextHeader()
        } catch {
            // Tag and length have six bytes at the most.
            if error == .truncated, start.count < 6 { return 0 }
            throw error
        }
        guard header.tag == .sequence else { throw refusal("an entry is none (RFC 5280 5.1.2.6)") }
        guard header.length <= ListLimits.listEntry else { throw refusal("an entry is longer than 32 KiB") }
        let length = start.count - reader.bytesLeft + header.length
        guard length <= end - at else { return 0 }
        try take(entry: bytes.extracting(at..<at + length).withUnsafeBytes { Array($0)[...] })
        return length
    }

    private mutating func take(entry bytes: ArraySlice<UInt8>) throws {
        let time = "an entry's revocationDate is not UTCTime up to 2049 and GeneralizedTime after (RFC 5280 5.1.2.6)"
        var entry = try byRule("an entry is none (RFC 5280 5.1.2.6)") { () throws(TLVError) in
            try TLVElement.only(.sequence, in: bytes, rules: .der).reader(rules: .der)
        }
        let contents = try byRule("an entry's serial number is none (RFC 5280 5.1.2.6)") { () throws(TLVError) in
            try entry.next(.integer).integer()
        }
        guard contents.count <= 20 || (contents.count == 21 && contents.first == 0) else {
            throw refusal("an entry's serial number is longer than 20 bytes (RFC 5280 4.1.2.2)")
        }
        _ = try byRule(time) { () throws(TLVError) in try RevocationListFields.time(try entry.next()) }
        let extensions = try byRule("an entry's extensions are not as RFC 5280 5.3 asks") { () throws(TLVError) in
            let list = entry.isAtEnd ? [] : try X509Extension.list(try entry.next(.sequence))
            try entry.end()
            return list
        }
        let code = try reason(extensions)
        try serials.append(SerialNumber(contents: contents), code: code)
    }

    private func reason(_ extensions: [X509Extension]) throws -> UInt64 {
        var reason = RevocationReason.unspecified
        for item in extensions {
            switch item.oid {
            case ExtensionID.reasonCode:
                let rule = "an entry's reasonCode is none (RFC 5280 5.3.1)"
                let code = try byRule(rule) { () throws(TLVError) in
                    try TLVElement.only(.enumerated, in: item.value, rules: .der).enumerated()
                }
                guard let known = RevocationReason(rawValue: code) else { throw refusal(rule) }
                reason = known
            case ExtensionID.invalidityDate: break
            default:
                guard !item.isCritical else {
                    throw refusal("a critical extension of an entry is not understood (RFC 5280 5.3)")
                }
            }
        }
        return UInt64(truncatingIfNeeded: reason.rawValue)
    }
}

/// Reads a part; where it is not as it should be the refusal names the rule. That more bytes are to come is no refusal.
func byRule<Value>(_ rule: String, _ body: () throws(TLVError) -> Value) throws -> Value {
    do throws(TLVError) {
        return try body()
    } catch {
        guard error != .truncated else { throw error }
        throw refusal("\(rule): \(error)")
    }
}

func refusal(_ reason: String) -> RevocationError { RevocationError(.crlUnusable, "the list is refused: \(reason)") }
