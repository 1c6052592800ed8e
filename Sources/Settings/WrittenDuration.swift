/// A length of time as it is written: `150ms`, `2s`, `10m`, `36h`, `35d`.
package struct WrittenDuration: Sendable {
    package let seconds: Double

    package init?(_ text: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        guard let (unit, factor) = units.first(where: { text.hasSuffix($0.0) }),
            let number = Double(text.dropLast(unit.count)), number >= 0, number.isFinite,
            number * factor < 10 * 366 * 86_400
        else { return nil }
        seconds = number * factor
    }

    package var wholeSeconds: Int64 { Int64(seconds) }
}
