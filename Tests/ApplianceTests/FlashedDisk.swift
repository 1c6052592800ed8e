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
    static func run(_ words: String...) async throws -> String {
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

    func range(of partition: String) throws -> Range<Int> {
        guard let place = try partitions()[partition] else { throw Problem(description: "no partition \(partition)") }
        return place
    }

    /// A partition as mtools name it.
    func place(of partition: String) throws -> String {
        "\(path)@@\(try range(of: partition).lowerBound)"
    }

    func setup() throws -> String { try place(of: "kazashi-setup") }

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
