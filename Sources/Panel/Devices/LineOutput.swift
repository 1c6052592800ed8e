internal import CLinux
internal import Glibc

/// The six lines of an HD44780 that is written in halves of a byte.
package struct DisplayLines: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The four data lines, D4 the lowest.
    package static func data(_ half: UInt8) -> DisplayLines { DisplayLines(rawValue: half & 0x0F) }
    /// Data, not a command.
    package static let registerSelect = DisplayLines(rawValue: 0x10)
    /// What stands on the other lines is taken when this one falls.
    package static let enable = DisplayLines(rawValue: 0x20)
}

/// What drives the six lines. Its calls may block.
package protocol LineOutput: Sendable {
    mutating func open() throws(DeviceFault)
    /// All six, in no order among themselves.
    func set(_ lines: DisplayLines) throws(DeviceFault)
    mutating func close()
}

/// Lines of a GPIO chip, through the kernel's character device (uAPI v2, linux/gpio.h).
package struct GPIOLines: LineOutput {
    private let chip: String
    /// RS, E, D4, D5, D6, D7.
    private let offsets: [UInt32]
    private var descriptor: Int32 = -1

    /// - Parameter offsets: of RS, E, D4, D5, D6, D7.
    package init(chip: String, offsets: [UInt32]) { (self.chip, self.offsets) = (chip, offsets) }

    package mutating func open() throws(DeviceFault) {
        let file = Glibc.open(chip, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw DeviceFault(errno: errno) }
        defer { Glibc.close(file) }
        descriptor = kz_gpio_request(file, offsets, UInt32(truncatingIfNeeded: offsets.count), "kazashi")
        guard descriptor >= 0 else { throw DeviceFault(errno: errno) }
    }

    package func set(_ lines: DisplayLines) throws(DeviceFault) {
        guard kz_gpio_set(descriptor, 0x3F, Self.bits(lines)) == 0 else { throw DeviceFault(errno: errno) }
    }

    /// The lines' levels in the order that they were asked for.
    static func bits(_ lines: DisplayLines) -> UInt64 {
        var bits: UInt64 = lines.contains(.registerSelect) ? 1 : 0
        if lines.contains(.enable) { bits |= 2 }
        return bits | UInt64(lines.rawValue & 0x0F) << 2
    }

    package mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

/// An I²C expander behind the display (PCF8574), wired as the usual backpacks are: P0 RS, P1 RW, P2 E, P3 backlight, P4 to
/// P7 the data lines.
package struct BackpackLines: LineOutput {
    private let bus: String
    private let address: UInt8
    private var descriptor: Int32 = -1

    package init(bus: String, address: UInt8) { (self.bus, self.address) = (bus, address) }

    package mutating func open() throws(DeviceFault) {
        descriptor = Glibc.open(bus, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw DeviceFault(errno: errno) }
        guard kz_i2c_select(descriptor, Int32(address)) == 0 else {
            let fault = DeviceFault(errno: errno)
            close()
            throw fault
        }
    }

    /// The byte at its pins: the backlight is on, and it is only written.
    package static func pins(_ lines: DisplayLines) -> UInt8 {
        var pins: UInt8 = 0x08 | lines.rawValue << 4
        if lines.contains(.registerSelect) { pins |= 0x01 }
        if lines.contains(.enable) { pins |= 0x04 }
        return pins
    }

    package func set(_ lines: DisplayLines) throws(DeviceFault) {
        guard kz_i2c_send(descriptor, Self.pins(lines)) == 0 else { throw DeviceFault(errno: errno) }
    }

    package mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
