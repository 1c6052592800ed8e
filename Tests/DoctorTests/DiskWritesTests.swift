import Doctor
import Foundation
import Glibc
import Testing

@Suite struct DiskWritesTests {
    /// A kernel's files that say this.
    private func writes(_ sectors: String, uptime: UInt64) throws -> DiskWrites? {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var information = stat()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(stat(folder, &information) == 0)
        let number = DiskWrites.number(of: information.st_dev)
        try FileManager.default.createDirectory(atPath: "\(folder)/\(number)", withIntermediateDirectories: true)
        try "  100 2 3 4 50 6 \(sectors) 8 0 9 10\n"
            .write(toFile: "\(folder)/\(number)/stat", atomically: true, encoding: .utf8)
        return DiskWrites(under: folder, devices: folder, uptime: uptime)
    }

    @Test("Sectors of 512 bytes since the start; after an hour, how many bytes a day that is")
    func counted() throws {
        let early = try #require(try writes("1000", uptime: 3_599))
        #expect(early.bytes == 512_000 && early.seconds == 3_599 && early.bytesADay == nil)
        #expect(try #require(try writes("1000", uptime: 7_200)).bytesADay == 6_144_000)
        #expect(try #require(try writes("\(UInt64(1 << 50) - 1)", uptime: 3_600)).bytesADay != nil)
    }

    @Test("A device's two numbers, as the kernel packs them", arguments: [(0xFE08, "254:8"), (0x10_3A05, "58:261")])
    func number(device: UInt, name: String) { #expect(DiskWrites.number(of: device) == name) }

    @Test(
        "What the kernel does not say is not made up",
        arguments: ["1.5", "x", "-1"])
    func unknown(sectors: String) throws {
        #expect(try writes(sectors, uptime: 3_600) == nil)
        #expect(DiskWrites(under: "/proc") == nil && DiskWrites(under: "/nowhere") == nil)
    }
}
