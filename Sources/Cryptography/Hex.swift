extension [UInt8] {
    /// Two lower-case hex digits a byte.
    package var hexText: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// Nil for an odd number of digits, or anything that is no ASCII hex digit.
    package init?(hexText: String) {
        let digits = Array<UInt8>(hexText.utf8)
        guard digits.count % 2 == 0 else { return nil }
        self = []
        for pair in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Character(UnicodeScalar(digits[pair])).hexDigitValue,
                // safe: their number is even
                let low = Character(UnicodeScalar(digits[pair + 1])).hexDigitValue
            else { return nil }
            append(UInt8(truncatingIfNeeded: high << 4 | low))
        }
    }
}
