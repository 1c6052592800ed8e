package import Panel

/// A two-row display as its manual has it: bytes in, rows out. What it does not know it counts.
package struct DisplayEmulator: Sendable {
    private let commands: CommandSet
    private let width: Int
    private var cells: [[UInt8]]
    private var cursor = (column: 0, row: 0)
    private var pending: [UInt8] = []
    /// Once a CD5220 was written by rows (ESC Q) it hears nothing but rows and CLR.
    private var hearsOnlyRows = false
    /// Katakana were chosen; where there is no choice they are there.
    private var hasKana = false
    /// UTC's commands of whole rows were chosen.
    private var isEnhanced = false
    /// Bytes that are no command of this set and have no cell.
    package private(set) var unknown = 0

    package init(_ commands: CommandSet, width: DisplayLayout.Width = .twenty) {
        (self.commands, self.width) = (commands, width.rawValue)
        cells = Self.blank(width.rawValue)
        hasKana = Self.hasKanaAtStart(commands)
    }

    private static func hasKanaAtStart(_ commands: CommandSet) -> Bool { commands == .utc || commands == .charlcd }

    private static func blank(_ width: Int) -> [[UInt8]] {
        Array(repeating: Array(repeating: 0x20, count: width), count: 2)
    }

    /// Its power was cut and came back.
    package mutating func restart() {
        clear()
        (pending, hearsOnlyRows, isEnhanced) = ([], false, false)
        hasKana = Self.hasKanaAtStart(commands)
    }

    /// Both rows, without the spaces at their ends.
    package var rows: [String] {
        cells.map { row in
            var text = String.UnicodeScalarView()
            for byte in row {
                // Without katakana other letters stand there.
                let code = hasKana && byte >= 0xA1 ? UInt32(byte) + 0xFEC0 : UInt32(byte)
                if let scalar = Unicode.Scalar(code) { text.append(scalar) }
            }
            return String(text).withoutTrailingSpaces
        }
    }

    /// No command is half done.
    package var isIdle: Bool { pending.isEmpty }

    package mutating func feed(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            pending.append(byte)
            if isDone() { pending = [] }
        }
    }

    /// Carries out what is pending; false while more is needed.
    private mutating func isDone() -> Bool {
        guard let first = pending.first else { return true }
        switch (commands, first) {
        case (_, 0x0C), (.utc, 0x1F):
            clear()
            hearsOnlyRows = false
        case (.utc, 0x14): break
        case (_, 0x0D): cursor.column = 0
        case (.escpos, 0x1F):
            guard let second = pending.dropFirst().first else { return false }
            switch second {
            case 0x43: return pending.count >= 3
            case 0x24:
                guard pending.count >= 4 else { return false }
                cursor = (Int(pending[2]) - 1, Int(pending[3]) - 1)
            default: unknown += 1
            }
        case (_, 0x1B): return escape()
        case (_, 0x20...0x7E), (_, 0xA1...0xDF): put(first)
        default: unknown += 1
        }
        return true
    }

    private mutating func escape() -> Bool {
        guard let second = pending.dropFirst().first else { return false }
        switch (commands, second) {
        case (.cd5220, 0x40), (.escpos, 0x40):
            guard !hearsOnlyRows else { break }
            clear()
            hasKana = false
        case (.cd5220, 0x63), (.cd5220, 0x5F), (.escpos, 0x74):
            guard let value = pending.dropFirst(2).first else { return false }
            guard !hearsOnlyRows, second != 0x5F else { break }
            hasKana = value == (commands == .cd5220 ? 0x4A : 0x01)
        case (.utc, 0x64): isEnhanced = true
        case (.utc, 0x75) where !isEnhanced:
            // What it does not know it shows.
            put(second)
        case (.cd5220, 0x51), (.utc, 0x75):
            guard pending.last == 0x0D else { return pending.count > width + 8 }
            guard let letter = pending.dropFirst(2).first, [0x41, 0x42].contains(letter) else {
                unknown += 1
                return true
            }
            let text = pending.dropFirst(3).dropLast()
            cells[Int(letter) - 0x41] = Array((text + Array(repeating: 0x20, count: width)).prefix(width))
            hearsOnlyRows = commands == .cd5220
        case (.charlcd, 0x5B): return bracket()
        default: unknown += 1
        }
        return true
    }

    /// The kernel's: `ESC [ L` and a letter, or `x<column>y<row>;`.
    private mutating func bracket() -> Bool {
        guard let kind = pending.dropFirst(3).first else { return false }
        switch kind {
        case UInt8(ascii: "I"): clear()
        case UInt8(ascii: "x"):
            guard pending.last == UInt8(ascii: ";") else { return pending.count > 24 }
            let numbers = String(decoding: pending.dropFirst(4).dropLast(), as: UTF8.self).split(separator: "y")
            guard numbers.count == 2, let x = Int(numbers[0]), let y = Int(numbers[1]) else {
                unknown += 1
                return true
            }
            cursor = (x, y)
        case UInt8(ascii: "D"), UInt8(ascii: "+"), UInt8(ascii: "c"), UInt8(ascii: "b"): break
        default: unknown += 1
        }
        return true
    }

    private mutating func clear() {
        cells = Self.blank(width)
        cursor = (0, 0)
    }

    private mutating func put(_ byte: UInt8) {
        guard cells.indices.contains(cursor.row), cells[cursor.row].indices.contains(cursor.column) else {
            unknown += 1
            return
        }
        cells[cursor.row][cursor.column] = byte
        cursor.column += 1
    }
}

extension String {
    /// A display's row as a person reads it.
    package var withoutTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}
