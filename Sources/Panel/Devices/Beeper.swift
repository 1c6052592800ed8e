internal import CLinux
internal import Glibc

/// A beeper behind the kernel's input layer (`pwm-beeper`, `gpio-beeper`): a tone is an event of the kind EV_SND.
package struct Beeper: PanelDevice {
    /// A piezo has no volume; a lower tone is softer on one that is made for 2 kHz and more.
    package enum Volume: String, Sendable, CaseIterable {
        case high, low, off

        /// Hz: at most 2500 (JIS S 0013).
        package var frequency: Int32 {
            switch self {
            case .high: 2_000
            case .low: 800
            case .off: 0
            }
        }
    }

    private let path: String
    private let volume: Volume
    private var file: DeviceFile?

    package init(path: String, volume: Volume) { (self.path, self.volume) = (path, volume) }

    package mutating func open() throws(DeviceFault) {
        let file = try DeviceFile(path)
        // A keyboard is an input device too, and none of ours.
        guard kz_is_beeper(file.number) == 1 else {
            file.close()
            throw .wrongKind
        }
        self.file = file
    }

    package func perform(_ step: Tone) throws(DeviceFault) {
        guard let file else { return }
        var event = [UInt8](repeating: 0, count: kz_tone_event_size())
        kz_tone_event(&event, step == .sounding ? volume.frequency : 0)
        try file.write(event)
    }

    package mutating func close() {
        // Nothing else would end a tone that sounds.
        try? perform(.silent)
        file?.close()
        file = nil
    }
}
