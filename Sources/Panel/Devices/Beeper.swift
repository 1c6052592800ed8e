internal import CLinux
internal import Glibc

/// A beeper behind the kernel's input layer: a tone is an event of the kind EV_SND. `pwm-beeper` makes it as high as it is
/// asked to; `gpio-beeper` only sounds or does not, as high as the buzzer behind it is made.
package struct Beeper: PanelDevice {
    /// A piezo has no volume; a lower tone is softer on one that is made for 2 kHz and more. Nothing of it reaches the buzzer
    /// of a `gpio-beeper`.
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
    private var opened: (file: DeviceFile, sound: Int32)?

    package init(path: String, volume: Volume) { (self.path, self.volume) = (path, volume) }

    package mutating func open() throws(DeviceFault) {
        let file = try DeviceFile(path)
        // A keyboard is an input device too, and none of ours.
        let sound = kz_sound_of_beeper(file.number)
        guard sound >= 0 else {
            file.close()
            throw .wrongKind
        }
        opened = (file, sound)
    }

    package func perform(_ step: Tone) throws(DeviceFault) {
        guard let (file, sound) = opened else { return }
        try file.write(Self.event(step, sound: sound, volume: volume))
    }

    /// The kernel's `struct input_event`.
    /// - Parameter sound: SND_TONE or SND_BELL.
    static func event(_ step: Tone, sound: Int32, volume: Volume) -> [UInt8] {
        var event = [UInt8](repeating: 0, count: kz_sound_event_size())
        kz_sound_event(&event, sound, step == .sounding ? volume.frequency : 0)
        return event
    }

    package mutating func close() {
        // Nothing else would end a tone that sounds.
        try? perform(.silent)
        opened?.file.close()
        opened = nil
    }
}
