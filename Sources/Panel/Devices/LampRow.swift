internal import Glibc

/// Three LEDs of the kernel's LED class, from left to right. Patterns are ours: the kernel's timer trigger makes files that
/// no rule can hand to another user.
package struct LampRow: PanelDevice {
    /// The folders of the three LEDs.
    private let folders: [String]
    private var files: [DeviceFile] = []
    private var shown: Lamps?

    /// - Parameter names: of LEDs under /sys/class/leds, or their folders; left, middle, right.
    package init(_ names: [String]) {
        folders = names.map { $0.hasPrefix("/") ? $0 : "/sys/class/leds/" + $0 }
    }

    package mutating func open() throws(DeviceFault) {
        do throws(DeviceFault) {
            for folder in folders { files.append(try DeviceFile(folder + "/brightness")) }
        } catch {
            close()
            throw error
        }
        shown = nil
    }

    package mutating func perform(_ step: Lamps) throws(DeviceFault) {
        for (lamp, file) in zip(Lamps.each, files) where shown.map({ $0.contains(lamp) != step.contains(lamp) }) ?? true
        {
            // 255 is the most of any LED; the kernel takes less where there is less.
            try file.set(Array((step.contains(lamp) ? "255" : "000").utf8))
        }
        shown = step
    }

    package mutating func close() {
        files.forEach { $0.close() }
        files = []
    }
}
