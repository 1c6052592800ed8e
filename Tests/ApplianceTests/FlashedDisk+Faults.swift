import Foundation
import TestRig

/// What becomes of a medium: it is filled, damaged, or holds what belongs to another board.
extension FlashedDisk {
    /// Zeros, where a partition was.
    func overwrite(_ partition: String) throws {
        let place = try range(of: partition)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(place.lowerBound))
        try file.write(contentsOf: Data(count: place.count))
    }

    /// Whether anything but zeros stands at a partition's beginning.
    func isWritten(_ partition: String) throws -> Bool {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(try range(of: partition).lowerBound))
        return try file.read(upToCount: 4_096)?.contains { $0 != 0 } == true
    }

    /// What lies in slot A lies in B, too, ran well there, and comes first.
    func fillSlotB() async throws {
        try copy("kazashi-boot-a", of: self, to: "kazashi-boot-b")
        try copy("kazashi-root-a", of: self, to: "kazashi-root-b")
        guard let good = try await environment()?["A_GOOD"] else { throw Problem(description: "slot A is not good") }
        let lines =
            "# GRUB Environment Block\nORDER=B A\nA_OK=1\nA_TRY=0\nB_OK=1\nB_TRY=0\nA_GOOD=\(good)\nB_GOOD=\(good)\n"
        try await setEnvironment(Array((lines + String(repeating: "#", count: 1_024 - lines.utf8.count)).utf8))
    }

    /// Zeros in the middle half of what lies in a partition.
    func decay(_ partition: String, of length: Int) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(try range(of: partition).lowerBound + length / 4))
        try file.write(contentsOf: Data(count: length / 2))
    }

    /// Writes what the loader remembers.
    func setEnvironment(_ bytes: [UInt8]) async throws {
        let block = folder + "/grubenv"
        try Data(bytes).write(to: URL(filePath: block))
        try await Self.run("mcopy", "-o", "-i", place(of: "kazashi-env"), block, "::/grubenv")
    }

    /// Takes all the room that is left on `setup`.
    func fillSetup() async throws {
        let listing = try await Self.run("mdir", "-i", setup(), "::/")
        guard let line = listing.split(separator: "\n").last(where: { $0.contains("bytes free") }),
            let free = Int(line.filter(\.isNumber))
        else { throw Problem(description: "mdir tells no free bytes: \(listing)") }
        let file = folder + "/filler"
        try await Self.run("truncate", "-s", "\(free)", file)
        try await put(file)
    }

    /// Takes all the room that is left on the data partition, also what is kept for root.
    func fillData() async throws {
        let (place, data) = (try range(of: "kazashi-data"), folder + "/data.img")
        try Self.copy(place, of: path, to: 0, of: data)
        // The plug was pulled: what the journal holds comes first.
        _ = try await ChildProcess.run("/usr/bin/env", ["e2fsck", "-fy", data])
        let (empty, commands) = (folder + "/empty", folder + "/commands")
        try Data().write(to: URL(filePath: empty))
        // Noting where they lie takes blocks, too, so it is done in rounds.
        var free = try await Self.freeBlocks(of: data)
        for round in 0..<20 where free > 0 {
            let steps = free > 50 ? [free * 9 / 10] : Array(repeating: 1, count: free)
            try steps.enumerated().map {
                "write \(empty) filler\(round)-\($0)\nfallocate filler\(round)-\($0) 0 \($1 - 1)\n"
            }.joined().write(toFile: commands, atomically: true, encoding: .utf8)
            _ = try await ChildProcess.run("/usr/bin/env", ["debugfs", "-w", "-f", commands, data])
            free = try await Self.freeBlocks(of: data)
        }
        guard free == 0 else { throw Problem(description: "there is still room for data") }
        try Self.copy(0..<place.count, of: data, to: place.lowerBound, of: path)
        try FileManager.default.removeItem(atPath: data)
    }

    private static func freeBlocks(of data: String) async throws -> Int {
        let line = try await run("dumpe2fs", "-h", data).split(separator: "\n").first {
            $0.hasPrefix("Free blocks:")
        }
        guard let free = line.flatMap({ Int($0.filter(\.isNumber)) }) else {
            throw Problem(description: "dumpe2fs tells no free blocks")
        }
        return free
    }

    private static func copy(_ place: Range<Int>, of file: String, to start: Int, of other: String) throws {
        if !FileManager.default.fileExists(atPath: other) {
            try Data().write(to: URL(filePath: other))
        }
        let source = try FileHandle(forReadingFrom: URL(filePath: file))
        let target = try FileHandle(forWritingTo: URL(filePath: other))
        defer { try? source.close() }
        defer { try? target.close() }
        try source.seek(toOffset: UInt64(place.lowerBound))
        try target.seek(toOffset: UInt64(start))
        var rest = place.count
        while rest > 0, let piece = try source.read(upToCount: min(rest, 1 << 20)), !piece.isEmpty {
            try target.write(contentsOf: piece)
            rest -= piece.count
        }
    }

    /// Another board's data partition instead of this one's.
    func takeData(of other: FlashedDisk) throws { try copy("kazashi-data", of: other, to: "kazashi-data") }

    private func copy(_ partition: String, of other: FlashedDisk, to own: String) throws {
        try Self.copy(other.range(of: partition), of: other.path, to: range(of: own).lowerBound, of: path)
    }

    /// Takes a partition out of the table.
    func delete(_ partition: String) async throws {
        let number = try partitions().sorted { $0.value.lowerBound < $1.value.lowerBound }
            .firstIndex { $0.key == partition }
        guard let number else { throw Problem(description: "no partition \(partition)") }
        try await Self.run("sfdisk", "-q", "--delete", path, "\(number + 1)")
    }
}
