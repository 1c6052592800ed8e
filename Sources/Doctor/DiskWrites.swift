internal import Files
internal import Glibc

/// What was written, since the start, to the partition that a folder lies on: by everything on this machine. Flash wears out by
/// it.
package struct DiskWrites: Equatable, Sendable {
    package let bytes: UInt64
    /// Since the start.
    package let seconds: UInt64

    /// - Parameters:
    ///   - folder: on the partition.
    ///   - devices: where the kernel tells of them, by number (sysfs; Documentation/block/stat.rst: the seventh field, in
    ///     sectors of 512 bytes).
    ///   - uptime: seconds since the start; the service's sandbox has no /proc/uptime.
    /// - Returns: nil where the folder lies on no such partition: in memory, say.
    package init?(under folder: String, devices: String = "/sys/dev/block", uptime: UInt64 = DiskWrites.uptime) {
        var information = stat()
        guard stat(folder, &information) == 0 else { return nil }
        guard let counts = readFile("\(devices)/\(Self.number(of: information.st_dev))/stat") else {
            return nil
        }
        let fields = String(decoding: counts, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard fields.count >= 7, let sectors = UInt64(fields[6]), sectors < 1 << 50, uptime < 1 << 40 else {
            return nil
        }
        (bytes, seconds) = (sectors * 512, uptime)
    }

    /// Whole seconds of this machine since its start, those in which it slept, too.
    package static var uptime: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(clamping: time.tv_sec)
    }

    /// A device as sysfs names it (makedev(3)).
    package static func number(of device: UInt) -> String {
        let (major, minor) = (device >> 8 & 0xFFF | device >> 32 & ~0xFFF, device & 0xFF | device >> 12 & ~0xFF)
        return "\(UInt32(truncatingIfNeeded: major)):\(UInt32(truncatingIfNeeded: minor))"
    }

    /// Nil in the first hour, of which nothing can be concluded.
    package var bytesADay: UInt64? {
        seconds >= 3_600 ? bytes / seconds * 86_400 + bytes % seconds * 86_400 / seconds : nil
    }
}
