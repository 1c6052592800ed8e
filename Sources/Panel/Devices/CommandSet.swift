/// What the bytes of a two-row display are: how it is set up, and how both rows are written in place, without clearing
/// first, so that nothing flickers. 2×20 take 48 bytes: 50 ms at 9600 baud.
///
/// The serial sets are those of customer displays' manuals (CD5220 6.1, 6.3; ESC/POS of Epson's DM-D): such a display has
/// switches that select one. `/dev/lcd` takes those of the kernel's `charlcd` driver.
package enum CommandSet: String, Sendable, CaseIterable {
    case cd5220
    case utc
    case escpos
    case charlcd

    private static let escape: UInt8 = 0x1B

    /// Sent after opening, and now and then: start over, katakana, no cursor. Clears the display.
    package func setUp(hasKana: Bool) -> [UInt8] {
        let escape = Self.escape
        switch self {
        case .cd5220:
            // CR ends a row that was cut off half-said. Once rows were written (ESC Q) nothing but CLR is heard: it comes
            // before ESC @; JIS fonts (ESC c J); cursor off (ESC _ 0).
            return [0x0D, 0x0C, escape, 0x40] + (hasKana ? [escape, 0x63, 0x4A] : []) + [escape, 0x5F, 0x00]
        case .utc:
            // CR ends a row that was cut off half-said. The enhanced mode (ESC d) has the commands of whole rows; cursor off
            // (DC4), clear (US). Its fonts are set by the display's switches.
            return [0x0D, escape, 0x64, 0x14, 0x1F]
        case .escpos:
            // ESC @; code page 1, katakana (ESC t 1); clear (FF); cursor off (US C 0).
            return [escape, 0x40] + (hasKana ? [escape, 0x74, 0x01] : []) + [0x0C, 0x1F, 0x43, 0x00]
        case .charlcd:
            // Start over, display and backlight on, cursor and blinking off, clear.
            return ["I", "D", "+", "c", "b"].flatMap { [escape] + Array("[L\($0)".utf8) } + [0x0C]
        }
    }

    /// Both rows, at their places.
    package func bytes(upper: [UInt8], lower: [UInt8]) -> [UInt8] {
        let escape = Self.escape
        switch self {
        case .cd5220: return [escape, 0x51, 0x41] + upper + [0x0D, escape, 0x51, 0x42] + lower + [0x0D]
        case .utc: return [escape, 0x75, 0x41] + upper + [0x0D, escape, 0x75, 0x42] + lower + [0x0D]
        // US $ column row.
        case .escpos: return [0x1F, 0x24, 0x01, 0x01] + upper + [0x1F, 0x24, 0x01, 0x02] + lower
        case .charlcd:
            return [escape] + Array("[Lx0y0;".utf8) + upper + [escape] + Array("[Lx0y1;".utf8) + lower
        }
    }
}
