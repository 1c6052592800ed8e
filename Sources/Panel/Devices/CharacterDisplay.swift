internal import Glibc

/// A character display of two rows behind a serial line or the kernel's `/dev/lcd`.
package struct CharacterDisplay: PanelDevice {
    private let commands: CommandSet
    private let path: String
    private let hasKana: Bool
    private var file: DeviceFile?
    private var repeats = ScreenRepeats()

    package init(_ commands: CommandSet, path: String, hasKana: Bool = true) {
        (self.commands, self.path, self.hasKana) = (commands, path, hasKana)
    }

    package mutating func open() throws(DeviceFault) {
        let file = try DeviceFile(path)
        do throws(DeviceFault) {
            if commands != .charlcd { try Self.prepareLine(file.number) }
            try file.write(commands.setUp(hasKana: hasKana))
        } catch {
            file.close()
            throw error
        }
        self.file = file
    }

    package mutating func perform(_ screen: Screen) throws(DeviceFault) { try file?.write(bytes(of: screen)) }

    /// What is written to show a screen now.
    package mutating func bytes(of screen: Screen) -> [UInt8] {
        // The catalogue's test holds that every text has its cells.
        let rows = [screen.upper, screen.lower].map { Cells.encode($0) ?? [] }
        let bytes = commands.bytes(upper: rows[0], lower: rows[1])
        return repeats.wantsSetUp(before: screen) ? commands.setUp(hasKana: hasKana) + bytes : bytes
    }

    package mutating func close() {
        file?.close()
        file = nil
    }

    /// 9600 baud, 8 bits, no parity, one stop bit, nothing translated, no flow control but the display's own.
    private static func prepareLine(_ descriptor: Int32) throws(DeviceFault) {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else {
            throw errno == ENOTTY ? .wrongKind : DeviceFault(errno: errno)
        }
        cfmakeraw(&settings)
        settings.c_cflag &= ~tcflag_t(CSIZE | CSTOPB | PARENB | HUPCL)
        settings.c_cflag |= tcflag_t(CS8 | CLOCAL)
        cfsetispeed(&settings, speed_t(B9600))
        cfsetospeed(&settings, speed_t(B9600))
        guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else { throw DeviceFault(errno: errno) }
    }
}
