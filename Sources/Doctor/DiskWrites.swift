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
    ///   - uptime: the kernel's file (proc(5)).
    /// - Returns: nil where the folder lies on no such partition: in memory, say.
    package init?(under folder: String, devices: String = "/sys/dev/block", uptime: String = "/proc/uptime") {
        var information = stat()
        guard stat(folder, &information) == 0 else { return nil }
        guard let counts = readFile("\(devices)/\(Self.number(of: information.st_dev))/stat"),
            let time = readFile(uptime)
        else { return nil }
        let fields = String(decoding: counts, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard fields.count >= 7, let sectors = UInt64(fields[6]), sectors < 1 << 50,
            let seconds = UInt64(String(decoding: time.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)),
            seconds < 1 << 40
        else { return nil }
        (bytes, self.seconds) = (sectors * 512, seconds)
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
