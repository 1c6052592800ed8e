internal import Glibc

/// A display of two rows behind an HD44780, or a controller that works like one, driven by ourselves: Debian's kernels are
/// built without the driver. Commands and times are the data sheet's (Hitachi HD44780U, tables 6 and 13, figure 24), the
/// times with room for slow oscillators. It is only written: its busy flag is not read, its times are kept.
package struct HD44780Display: PanelDevice {
    private var lines: any LineOutput
    private let pause: @Sendable (Duration) -> Void
    private var repeats = ScreenRepeats()

    /// - Parameter pause: waits so long at the least.
    package init(_ lines: any LineOutput, pause: @escaping @Sendable (Duration) -> Void = Self.sleep) {
        (self.lines, self.pause) = (lines, pause)
    }

    /// Sleeps: the thread is the device's own, and no processor turns in circles for a display.
    package static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        // safe: pauses of our own, of milliseconds at the most
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var rest = timespec()
        while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
    }

    private enum Times {
        /// From 2.7 V on; at 5 V 15 ms are enough.
        static let powerUp = Duration.milliseconds(50)
        static let firstReset = Duration.microseconds(5_000)
        static let reset = Duration.microseconds(150)
        /// 37 µs at 270 kHz, 53 at the slowest oscillator that is allowed, and 4 more after data.
        static let command = Duration.microseconds(60)
        /// 1.52 ms at 270 kHz.
        static let clear = Duration.microseconds(2_500)
        /// The enable line's shortest pulse is 450 ns below 4.5 V, its cycle 1 µs.
        static let pulse = Duration.microseconds(1)
    }

    package mutating func open() throws(DeviceFault) {
        try lines.open()
        repeats = ScreenRepeats()
        do throws(DeviceFault) {
            pause(Times.powerUp)
            try setUp()
            try send(0x01, then: Times.clear)
        } catch {
            lines.close()
            throw error
        }
    }

    package mutating func perform(_ screen: Screen) throws(DeviceFault) {
        if repeats.wantsSetUp(before: screen) { try setUp() }
        // The two rows' places in the display's memory, whatever their length.
        for (place, text) in [(0x80, screen.upper), (0xC0, screen.lower)] as [(UInt8, String)] {
            try send(place)
            // The catalogue's test holds that every text has its cells. ROM A00 has JIS X 0201's katakana; A02 has none,
            // and is sent none.
            for byte in Cells.encode(text) ?? [] { try send(byte, .registerSelect) }
        }
    }

    package mutating func close() { lines.close() }

    /// Brings the controller into 4-bit mode, whatever it took of the last byte, without touching what it shows.
    private func setUp() throws(DeviceFault) {
        try half(0x3)
        pause(Times.firstReset)
        try half(0x3)
        pause(Times.reset)
        try half(0x3)
        pause(Times.reset)
        try half(0x2)
        pause(Times.command)
        // Two rows of 5×8 dots; on, without a cursor; the address counts up, nothing shifts.
        for command in [0x28, 0x0C, 0x06] as [UInt8] { try send(command) }
    }

    private func send(_ byte: UInt8, _ register: DisplayLines = [], then time: Duration = Times.command)
        throws(DeviceFault)
    {
        try half(byte >> 4, register)
        try half(byte & 0x0F, register)
        pause(time)
    }

    private func half(_ half: UInt8, _ register: DisplayLines = []) throws(DeviceFault) {
        let levels = register.union(.data(half))
        // The other lines stand before the enable line rises, and until after it has fallen.
        try lines.set(levels)
        try lines.set(levels.union(.enable))
        pause(Times.pulse)
        try lines.set(levels)
        pause(Times.pulse)
    }
}
