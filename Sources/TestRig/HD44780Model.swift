/// An HD44780 as its data sheet has it (Hitachi HD44780U), in 4-bit wiring: levels of its lines in, text out. It knows
/// nothing of our driver; times and protocol that a real one would not bear are faults.
package struct HD44780Model: Sendable {
    /// RS, E and D4 to D7, as they stand at a moment.
    package struct Levels: Hashable, Sendable {
        package var rs: Bool
        package var e: Bool
        /// D7 the highest of four bits.
        package var data: UInt8
        package init(rs: Bool, e: Bool, data: UInt8) { (self.rs, self.e, self.data) = (rs, e, data) }
    }

    package private(set) var faults: [String] = []
    package private(set) var isOn = false
    package private(set) var hasCursor = false
    /// Commands and data that it took.
    package private(set) var taken = 0
    private var memory = [UInt8](repeating: 0x20, count: 128)
    private var address = 0
    private var isFourBit = false
    private var hasTwoRows = false
    /// The upper half of a byte, while the lower one is awaited.
    private var upper: UInt8?
    private var levels = Levels(rs: false, e: false, data: 0)
    /// Nanoseconds since its power came.
    private var roseAt: Int64?
    private var lastRise: Int64?
    private var busyUntil: Int64 = 15_000_000
    private var resets = 0
    private let checksTimes: Bool

    /// - Parameter checksTimes: false for levels that bear no time.
    package init(checksTimes: Bool = true) { self.checksTimes = checksTimes }

    /// What stands in the first cells of a row.
    package func row(_ row: Int, columns: Int) -> [UInt8] {
        Array(memory[row * 0x40..<row * 0x40 + columns])
    }

    /// The same as text, as ROM A00 shows it: JIS X 0201's katakana from A1 on.
    package func text(row: Int, columns: Int) -> String {
        let scalars = self.row(row, columns: columns).map { UInt32($0) }.compactMap {
            Unicode.Scalar($0 >= 0xA1 ? $0 + 0xFEC0 : $0)
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// The lines stand like this from `time` on.
    /// - Parameter time: nanoseconds since its power came.
    package mutating func take(_ next: Levels, at time: Int64) {
        let before = levels
        levels = next
        if before.e, before.rs != next.rs || before.data != next.data {
            fault("RS or data change while E is high, or as it falls")
        }
        switch (before.e, next.e) {
        case (false, true):
            if before.rs != next.rs || before.data != next.data { fault("RS or data do not stand before E rises") }
            if let lastRise, checksTimes, time - lastRise < 1_000 { fault("a cycle of E is shorter than 1 µs") }
            (roseAt, lastRise) = (time, time)
        case (true, false):
            if checksTimes, let roseAt, time - roseAt < 450 { fault("E is high for less than 450 ns") }
            latch(before, at: time)
        case (true, true), (false, false): break
        }
    }

    private mutating func latch(_ levels: Levels, at time: Int64) {
        if checksTimes, upper == nil, time < busyUntil { fault("a command while busy, at \(time) ns") }
        guard isFourBit else {
            // D0 to D3 are not wired: of the function set only DL is certain.
            command(levels.data << 4, at: time)
            return
        }
        guard let high = upper else {
            upper = levels.data
            return
        }
        upper = nil
        let byte = high << 4 | levels.data
        if levels.rs { write(byte, at: time) } else { command(byte, at: time) }
    }

    private mutating func write(_ byte: UInt8, at time: Int64) {
        taken += 1
        memory[address] = byte
        step()
        busyUntil = time + 41_000
    }

    /// The address goes on: two rows of forty.
    private mutating func step() {
        address += 1
        if hasTwoRows {
            if address == 0x28 { address = 0x40 }
            if address == 0x68 { address = 0x00 }
        } else if address == 0x50 {
            address = 0
        }
    }

    private mutating func command(_ byte: UInt8, at time: Int64) {
        taken += 1
        busyUntil = time + 37_000
        switch byte {
        case 0x80...: address = Int(byte & 0x7F)
        case 0x40...0x7F: fault("characters of its own are not in use")
        case 0x20...0x3F:
            let isEightBit = byte & 0x10 != 0
            if isEightBit {
                resets += 1
                // Figure 24: after the first one more than 4.1 ms, after the second more than 100 µs.
                if !isFourBit { busyUntil = time + (resets == 1 ? 4_100_000 : 100_000) }
            }
            hasTwoRows = byte & 0x08 != 0
            isFourBit = !isEightBit
        case 0x10...0x1F: fault("the display or its cursor is shifted")
        case 0x08...0x0F:
            isOn = byte & 0x04 != 0
            hasCursor = byte & 0x03 != 0
        case 0x04...0x07: if byte != 0x06 { fault("it does not count up") }
        case 0x02, 0x03: (address, busyUntil) = (0, time + 1_520_000)
        case 0x01:
            memory = [UInt8](repeating: 0x20, count: 128)
            (address, busyUntil) = (0, time + 1_520_000)
        default: fault("no command: \(byte)")
        }
    }

    private mutating func fault(_ text: String) { if faults.count < 20 { faults.append(text) } }
}
