import Foundation
import TestRig

/// A disk onto which somebody has flashed the appliance's image, and its partition `setup` as a technician's computer sees it.
final class FlashedDisk: Sendable {
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// Bytes: a medium is larger than what is flashed.
    static let size = 1_500 << 20

    let board: ApplianceBoard
    let folder: String
    var path: String { folder + "/disk.img" }

    init(_ board: ApplianceBoard = .pc) async throws {
        self.board = board
        guard let image = board.image else {
            throw Problem(description: "there is no image: run board/image \(board.rawValue)")
        }
        // Sockets lie in it, too: their addresses are short.
        folder = "/tmp/kazashi-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await Self.run("zstd", "-q", "-d", "--sparse", "--long=27", image, "-o", path)
        try await Self.run("truncate", "-s", "\(Self.size)", path)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    @discardableResult
    private static func run(_ words: String...) async throws -> String {
        let result = try await ChildProcess.run("/usr/bin/env", words)
        guard result.code == 0 else { throw Problem(description: "\(words): \(result.output)\(result.error)") }
        return result.output
    }

    /// What a GUID partition table says (UEFI specification, 5.3): names, and where the partitions lie in bytes.
    func partitions() throws -> [String: Range<Int>] {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: 2 * 512)
        let table = try file.read(upToCount: 128 * 128) ?? Data()
        var found: [String: Range<Int>] = [:]
        for start in stride(from: 0, to: table.count - 127, by: 128) {
            let entry = Array(table[start..<start + 128])
            func number(_ place: Int) -> Int { entry[place..<place + 8].reversed().reduce(0) { $0 << 8 | Int($1) } }
            let name = stride(from: 56, to: 128, by: 2).map { UInt16(entry[$0]) | UInt16(entry[$0 + 1]) << 8 }
                .prefix { $0 != 0 }
            guard !name.isEmpty else { continue }
            found[String(decoding: name, as: UTF16.self)] = number(32) * 512..<(number(40) + 1) * 512
        }
        return found
    }

    private func range(of partition: String) throws -> Range<Int> {
        guard let place = try partitions()[partition] else { throw Problem(description: "no partition \(partition)") }
        return place
    }

    /// A partition as mtools name it.
    private func place(of partition: String) throws -> String {
        "\(path)@@\(try range(of: partition).lowerBound)"
    }

    private func setup() throws -> String { try place(of: "kazashi-setup") }

    /// What the loader remembers (`NAME=value` lines); nil where that is damaged.
    func environment() async throws -> [String: String]? {
        let block = folder + "/grubenv"
        let copied = try await ChildProcess.run(
            "/usr/bin/env", ["mcopy", "-n", "-o", "-i", try place(of: "kazashi-env"), "::/grubenv", block])
        guard copied.code == 0, let text = try? String(contentsOfFile: block, encoding: .utf8), text.utf8.count == 1_024
        else { return nil }
        let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs) { $1 }
    }

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

    /// A stick with an update on it, as somebody's computer makes it.
    /// - Parameters:
    ///   - fault: as `board/dev/update` names it.
    ///   - isDamaged: a byte in its middle is another than the one that was signed.
    func stick(version: String, fault: String = "", isDamaged: Bool = false) async throws -> String {
        let (stick, bundle) = (folder + "/stick.img", try await update(version: version, fault: fault, in: folder))
        if isDamaged {
            let file = try FileHandle(forUpdating: URL(filePath: bundle))
            let middle = try file.seekToEnd() / 2
            try file.seek(toOffset: middle)
            let byte = try file.read(upToCount: 1)?.first ?? 0
            try file.seek(toOffset: middle)
            try file.write(contentsOf: [byte ^ 0x01])
            try file.close()
        }
        try await Self.run("sh", "-c", "truncate -s 256M \"$1\" && mformat -i \"$1\" -F ::", "sh", stick)
        try await Self.run("mcopy", "-i", stick, bundle, "::/")
        try FileManager.default.removeItem(atPath: bundle)
        return stick
    }

    /// An update as somebody publishes it.
    /// - Parameter fault: as `board/dev/update` names it.
    func update(version: String, fault: String = "", in folder: String) async throws -> String {
        let bundle = folder + "/kazashi-\(version).raucb"
        try await Self.run(ApplianceBoard.repository + "/board/dev/update", board.rawValue, version, bundle, fault)
        return bundle
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
        let data = "\(path)?offset=\(try range(of: "kazashi-data").lowerBound)"
        // The plug was pulled: what the journal holds comes first.
        _ = try await ChildProcess.run("/usr/bin/env", ["e2fsck", "-fy", data])
        let (empty, commands) = (folder + "/empty", folder + "/commands")
        try Data().write(to: URL(filePath: empty))
        // Noting where they lie takes blocks, too, so it is done in rounds.
        for round in 0..<20 {
            let free = try await freeDataBlocks()
            guard free > 0 else { return }
            let steps = free > 50 ? [free * 9 / 10] : Array(repeating: 1, count: free)
            try steps.enumerated().map {
                "write \(empty) filler\(round)-\($0)\nfallocate filler\(round)-\($0) 0 \($1 - 1)\n"
            }.joined().write(toFile: commands, atomically: true, encoding: .utf8)
            _ = try await ChildProcess.run("/usr/bin/env", ["debugfs", "-w", "-f", commands, data])
        }
        throw Problem(description: "there is still room for data")
    }

    private func freeDataBlocks() async throws -> Int {
        let data = "\(path)?offset=\(try range(of: "kazashi-data").lowerBound)"
        let line = try await Self.run("dumpe2fs", "-h", data).split(separator: "\n").first {
            $0.hasPrefix("Free blocks:")
        }
        guard let free = line.flatMap({ Int($0.filter(\.isNumber)) }) else {
            throw Problem(description: "dumpe2fs tells no free blocks")
        }
        return free
    }

    /// Another board's data partition instead of this one's.
    func takeData(of other: FlashedDisk) throws { try copy("kazashi-data", of: other, to: "kazashi-data") }

    private func copy(_ partition: String, of other: FlashedDisk, to own: String) throws {
        let (from, to) = (try other.range(of: partition), try range(of: own))
        let source = try FileHandle(forReadingFrom: URL(filePath: other.path))
        let target = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? source.close() }
        defer { try? target.close() }
        try source.seek(toOffset: UInt64(from.lowerBound))
        try target.seek(toOffset: UInt64(to.lowerBound))
        var rest = min(from.count, to.count)
        while rest > 0, let piece = try source.read(upToCount: min(rest, 1 << 20)), !piece.isEmpty {
            try target.write(contentsOf: piece)
            rest -= piece.count
        }
    }

    /// Takes a partition out of the table.
    func delete(_ partition: String) async throws {
        let number = try partitions().sorted { $0.value.lowerBound < $1.value.lowerBound }
            .firstIndex { $0.key == partition }
        guard let number else { throw Problem(description: "no partition \(partition)") }
        try await Self.run("sfdisk", "-q", "--delete", path, "\(number + 1)")
    }

    /// Copies files and folders onto `setup`.
    func put(_ files: String...) async throws {
        let setup = try setup()
        for file in files { try await Self.run("mcopy", "-s", "-o", "-i", setup, file, "::/") }
    }

    /// Writes a file onto `setup`.
    func write(_ text: String, to name: String) async throws {
        let file = folder + "/" + name
        try Data(text.utf8).write(to: URL(filePath: file))
        try await put(file)
    }

    /// Deletes a file.
    func remove(_ name: String) async throws { try await Self.run("mdel", "-i", setup(), "::/" + name) }

    /// A file's text; nil when it is not there.
    func text(of name: String) async throws -> String? {
        let result = try await ChildProcess.run("/usr/bin/env", ["mtype", "-i", try setup(), "::/" + name])
        return result.code == 0 ? result.output : nil
    }

    /// The report, once it says this.
    func report(with text: String) async throws -> String {
        while true {
            if let report = try await self.text(of: "kazashi-report.txt"), report.contains(text) { return report }
            // Nobody tells when a machine writes to its disk.
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Says more to the kernel at each start from now on.
    func addKernelWords(_ words: String) async throws {
        let (partition, file) = (try place(of: "kazashi-esp"), folder + "/grub.cfg")
        try await Self.run("mcopy", "-o", "-i", partition, "::/EFI/BOOT/grub.cfg", file)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let before = "quiet loglevel=3 "
        guard text.contains(before) else { throw Problem(description: "grub.cfg says no \(before)") }
        try text.replacing(before, with: "\(words) \(before)").write(toFile: file, atomically: true, encoding: .utf8)
        try await Self.run("mcopy", "-o", "-i", partition, file, "::/EFI/BOOT/grub.cfg")
    }

    /// The names of what lies there.
    func names() async throws -> [String] {
        try await Self.run("mdir", "-b", "-i", setup(), "::/").split(separator: "\n").map { $0.trimmingPrefix("::/") }
            .map(String.init)
    }
}
