package import Cryptography

/// A day of birth: an identity, so it prints as nothing.
package struct BirthDate: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    private let year: Int
    private let month: Int
    private let day: Int

    package init?(year: Int, month: Int, day: Int) {
        // Unknown months and days are printed as zero on some old registers; such a record brings its own key.
        guard (1868...2200).contains(year), (0...12).contains(month), (0...31).contains(day) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Eight digits, as the age record stores it.
    package init?(digits: some Collection<UInt8>) {
        guard digits.count == 8, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var rest = Array(digits)[...]
        func number(_ width: Int) -> Int {
            defer { rest = rest.dropFirst(width) }
            // safe: four digits at the most
            return rest.prefix(width).reduce(0) { $0 * 10 + Int(truncatingIfNeeded: $1 - 0x30) }
        }
        self.init(
            year: number(4), month: number(2), day: number(2))
    }

    /// `YYYY-MM-DD`.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2] else { return nil }
        self.init(digits: parts.flatMap { Array($0) })
    }

    /// `YYYY-MM-DD`, for the sealed record and nothing else.
    package var sealedText: String { Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) }

    /// The six digits as the card prints them: year of the era, month, day. Nil before Taishō, where no rule is known.
    package var eraKey: BirthDateKey? {
        let eras = [(2019, 5, 1), (1989, 1, 8), (1926, 12, 25), (1912, 7, 30)]
        guard let era = eras.first(where: { ($0.0, $0.1, $0.2) <= (year, month, day) }) else { return nil }
        return BirthDateKey(
            Self.digits(year - era.0 + 1, 2) + Self.digits(month, 2) + Self.digits(day, 2))
    }

    private static func digits(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    package var description: String { "[birth date]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The six digits that open the age record (生年月日読出用暗証番号). Overwritten when the last holder lets go.
package struct BirthDateKey: Sendable, CustomStringConvertible {
    package let secret: SecretBytes

    package init?(_ digits: String) {
        let bytes = Array(digits.utf8)
        guard bytes.count == 6, bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        secret = SecretBytes(copying: bytes)
    }

    package var description: String { "[birth date]" }
}
