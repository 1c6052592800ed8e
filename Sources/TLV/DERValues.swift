/// An object identifier by its encoded contents (X.690, 8.19): compared as bytes, shown in dotted form.
package struct OID: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// From the dotted form; nil when it is none.
    package init?(_ dotted: String) {
        let arcs = dotted.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0, radix: 10) }
        guard arcs.count >= 2, let first = arcs.first ?? nil, let second = arcs.dropFirst().first ?? nil, first <= 2,
            first == 2 || second < 40, second < UInt64.max - 80
        else { return nil }
        var bytes: [UInt8] = []
        for (index, arc) in arcs.enumerated() where index > 0 {
            guard let arc else { return nil }
            var rest = index == 1 ? first * 40 + second : arc
            var group = [UInt8(truncatingIfNeeded: rest & 0x7F)]
            rest >>= 7
            while rest > 0 {
                group.append(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes += group.reversed()
        }
        self.bytes = bytes
    }

    package var description: String {
        var arcs: [UInt64] = []
        var value: UInt64 = 0
        for byte in bytes {
            value = value << 7 | UInt64(truncatingIfNeeded: byte & 0x7F)
            guard byte & 0x80 == 0 else { continue }
            if arcs.isEmpty {
                let first = min(value / 40, 2)
                arcs = [first, value - first * 40]
            } else {
                arcs.append(value)
            }
            value = 0
        }
        return arcs.map(String.init).joined(separator: ".")
    }
}

extension TLVElement {
    /// OBJECT IDENTIFIER.
    package func objectIdentifier() throws(TLVError) -> OID {
        guard tag == .objectIdentifier else { throw .unexpectedTag(tag) }
        guard let last = contents.last, last & 0x80 == 0, contents.count <= 64 else { throw .badValue }
        return OID(bytes: contents)
    }

    /// BOOLEAN; DER knows 00 and FF only.
    package func boolean() throws(TLVError) -> Bool {
        guard tag == .boolean else { throw .unexpectedTag(tag) }
        return try booleanContents()
    }

    /// The contents of a BOOLEAN, for implicit tags.
    package func booleanContents() throws(TLVError) -> Bool {
        switch (contents.count, contents.first) {
        case (1, 0x00): return false
        case (1, 0xFF): return true
        default: throw .badValue
        }
    }

    /// INTEGER in its shortest form, two's complement.
    package func integer() throws(TLVError) -> ArraySlice<UInt8> {
        guard tag == .integer else { throw .unexpectedTag(tag) }
        return try integerContents()
    }

    /// The contents of an INTEGER, for implicit tags.
    package func integerContents() throws(TLVError) -> ArraySlice<UInt8> {
        guard let first = contents.first else { throw .badValue }
        if contents.count > 1 {
            // safe: there are two
            let second = contents[contents.startIndex + 1]
            if (first == 0x00 && second & 0x80 == 0) || (first == 0xFF && second & 0x80 != 0) { throw .notMinimal }
        }
        return contents
    }

    /// A small non-negative INTEGER.
    package func smallInteger() throws(TLVError) -> Int { try Self.small(integer()) }

    /// A non-negative ENUMERATED.
    package func enumerated() throws(TLVError) -> Int {
        guard tag == .enumerated else { throw .unexpectedTag(tag) }
        return try Self.small(integerContents())
    }

    private static func small(_ bytes: ArraySlice<UInt8>) throws(TLVError) -> Int {
        guard bytes.count <= 4, let first = bytes.first, first & 0x80 == 0 else { throw .badValue }
        return bytes.reduce(0) { $0 << 8 | Int(truncatingIfNeeded: $1) }
    }

    /// BIT STRING of whole octets.
    package func octetsOfBitString() throws(TLVError) -> ArraySlice<UInt8> {
        guard tag == .bitString else { throw .unexpectedTag(tag) }
        guard contents.first == 0 else { throw .badValue }
        return contents.dropFirst()
    }

    /// UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 profiles them, in seconds since 1970-01-01T00:00:00Z.
    package func time() throws(TLVError) -> Int64 {
        let yearDigits: Int
        switch tag {
        case .utcTime: yearDigits = 2
        case .generalizedTime: yearDigits = 4
        default: throw .unexpectedTag(tag)
        }
        guard contents.count == yearDigits + 11, contents.last == UInt8(ascii: "Z") else { throw .badValue }
        var rest = contents
        func number(_ width: Int) throws(TLVError) -> Int {
            defer { rest = rest.dropFirst(width) }
            guard let value = decimal(rest.prefix(width)) else { throw .badValue }
            return value
        }
        var year = try number(yearDigits)
        if yearDigits == 2 { year += year < 50 ? 2000 : 1900 }
        guard
            let seconds = CivilTime(
                year: year, month: try number(2), day: try number(2), hour: try number(2), minute: try number(2),
                second: try number(2)
            ).secondsSince1970
        else { throw .badValue }
        return seconds
    }
}

/// A date and time in UTC, and nothing of time zones or leap seconds.
package struct CivilTime: Hashable, Sendable {
    package var year, month, day, hour, minute, second: Int

    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    package init(secondsSince1970 seconds: Int64) {
        let whole = Int(truncatingIfNeeded: seconds)
        // Rounded down, also before 1970.
        let days = (whole >= 0 ? whole : whole - 86_399) / 86_400
        let rest = whole - days * 86_400
        // Days to civil date, counting from 0000-03-01 so that the leap day ends a year.
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shifted + 2) / 5 + 1, hour: rest / 3_600, minute: rest / 60 % 60,
            second: rest % 60)
    }

    /// Nil when there is no such date or time of day.
    package var secondsSince1970: Int64? {
        guard (0...9_999).contains(year), (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return Int64(truncatingIfNeeded: days) * 86_400 + Int64(truncatingIfNeeded: hour * 3_600 + minute * 60 + second)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `YYYY-MM-DDThh:mm:ssZ` (RFC 3339).
    package init?(rfc3339 text: String) {
        guard text.utf8.count == 20 else { return nil }
        var rest = Array(text.utf8)[...]
        func number(_ width: Int, before end: StaticString) -> Int? {
            let value = decimal(rest.prefix(width))
            rest = rest.dropFirst(width)
            guard let next = rest.popFirst(), "\(end)".utf8.contains(next) else { return nil }
            return value
        }
        guard let year = number(4, before: "-"), let month = number(2, before: "-"), let day = number(2, before: "T "),
            let hour = number(2, before: ":"), let minute = number(2, before: ":"), let second = number(2, before: "Z")
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard secondsSince1970 != nil else { return nil }
    }

    package var rfc3339: String {
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(hour, 2) + ":"
            + padded(minute, 2) + ":" + padded(second, 2) + "Z"
    }
}

/// A number of up to nine decimal digits; nil for anything else.
private func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...9).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    // safe: nine digits
    return digits.reduce(0) { $0 * 10 + Int(truncatingIfNeeded: $1 - 0x30) }
}
