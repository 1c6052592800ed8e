import TestRig

/// What an HD44780 shows whose lines the kernel traced: levels in, rows out.
struct DisplayTrace {
    enum Wiring {
        /// RS, E, D4, D5, D6, D7 of a GPIO chip.
        case lines([Int])
        case backpack
    }

    private(set) var model = HD44780Model()
    /// Both rows, whenever something was taken.
    private(set) var rows: [[String]] = []
    /// How often the enable line rose.
    private(set) var rises = 0
    /// Lines of text that say nothing of the display.
    private(set) var oddities: [String] = []
    /// So much text was taken.
    private(set) var bytes = 0
    private let wiring: Wiring
    private let columns = 20
    private var levels = HD44780Model.Levels(rs: false, e: false, data: 0)
    private var rest = ""
    /// The rows before it were looked at.
    private var place = 0

    init(_ wiring: Wiring) { self.wiring = wiring }

    /// - Parameter text: a time in seconds, and a line with its level or a backpack's byte in hexadecimal, one a line.
    mutating func take(_ text: String) {
        bytes += text.utf8.count
        var entries = (rest + text).split(separator: "\n", omittingEmptySubsequences: false)
        rest = entries.popLast().map(String.init) ?? ""
        for entry in entries {
            let parts = entry.split(separator: " ")
            guard let time = parts.first.flatMap(Self.nanoseconds), let next = next(parts.dropFirst()) else {
                oddities.append(String(entry))
                continue
            }
            if next.e && !levels.e { rises += 1 }
            levels = next
            let taken = model.taken
            model.take(next, at: time)
            if model.taken != taken { rows.append([0, 1].map { model.text(row: $0, columns: columns) }) }
        }
    }

    private func next(_ parts: ArraySlice<Substring>) -> HD44780Model.Levels? {
        switch wiring {
        case .lines(let lines):
            guard parts.count == 2, let number = parts.first.flatMap({ Int($0) }),
                let place = lines.firstIndex(of: number)
            else { return nil }
            let isHigh = parts.last == "1"
            var next = levels
            switch place {
            case 0: next.rs = isHigh
            case 1: next.e = isHigh
            default:
                let bit = UInt8(1) << (place - 2)
                next.data = isHigh ? next.data | bit : next.data & ~bit
            }
            return next
        case .backpack:
            // The backlight is on, and nothing is read.
            guard parts.count == 1, let pins = parts.first.flatMap({ UInt8($0, radix: 16) }), pins & 0x0A == 0x08 else {
                return nil
            }
            return .init(rs: pins & 0x01 != 0, e: pins & 0x04 != 0, data: pins >> 4)
        }
    }

    private static func nanoseconds(_ seconds: Substring) -> Int64? {
        let parts = seconds.split(separator: ".")
        guard parts.count == 2, parts[1].count == 6, let whole = Int64(parts[0]), let rest = Int64(parts[1]) else {
            return nil
        }
        return whole * 1_000_000_000 + rest * 1_000
    }

    /// Whether a text stood in one of the rows, after what was asked for before.
    mutating func shows(_ text: String) -> Bool {
        guard let found = rows[place...].firstIndex(where: { $0.contains { $0.contains(text) } }) else { return false }
        place = found
        return true
    }

    /// The first of these screens that did not stand there after those before it; nil when all did.
    mutating func missing(of screens: [[String]]) -> [String]? {
        var end = place
        for screen in screens {
            guard let found = rows[end...].firstIndex(of: screen) else { return screen }
            end = found
        }
        place = end
        return nil
    }
}
