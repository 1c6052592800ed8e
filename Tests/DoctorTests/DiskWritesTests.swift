import Doctor
import Foundation
import Glibc
import Testing

@Suite struct DiskWritesTests {
    /// A kernel's files that say this.
    private func writes(_ sectors: String, uptime: String) throws -> DiskWrites? {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var information = stat()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(stat(folder, &information) == 0)
        let number = DiskWrites.number(of: information.st_dev)
        try FileManager.default.createDirectory(atPath: "\(folder)/\(number)", withIntermediateDirectories: true)
        try "  100 2 3 4 50 6 \(sectors) 8 0 9 10\n"
            .write(toFile: "\(folder)/\(number)/stat", atomically: true, encoding: .utf8)
        try uptime.write(toFile: folder + "/uptime", atomically: true, encoding: .utf8)
        return DiskWrites(under: folder, devices: folder, uptime: folder + "/uptime")
    }

    @Test("Sectors of 512 bytes since the start; after an hour, how many bytes a day that is")
    func counted() throws {
        let early = try #require(try writes("1000", uptime: "3599.99 100.00\n"))
        #expect(early.bytes == 512_000 && early.seconds == 3_599 && early.bytesADay == nil)
        #expect(try #require(try writes("1000", uptime: "7200.00 1.0")).bytesADay == 6_144_000)
        #expect(try #require(try writes("\(UInt64(1 << 50) - 1)", uptime: "3600.0 1.0")).bytesADay != nil)
    }

    @Test("A device's two numbers, as the kernel packs them", arguments: [(0xFE08, "254:8"), (0x10_3A05, "58:261")])
    func number(device: UInt, name: String) { #expect(DiskWrites.number(of: device) == name) }

    @Test(
        "What the kernel does not say is not made up",
        arguments: [("1.5", "1.0"), ("x", "1.0"), ("-1", "1.0"), ("1", "x")])
    func unknown(sectors: String, uptime: String) throws {
        #expect(try writes(sectors, uptime: uptime) == nil)
        #expect(DiskWrites(under: "/proc") == nil && DiskWrites(under: "/nowhere") == nil)
    }
}
