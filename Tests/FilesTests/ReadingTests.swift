@testable import Files
import Foundation
import Testing

@Suite struct ReadingTests {
    @Test(
        "The files under a path: itself, or what lies in the folder; neither folders, hidden files nor what is no file")
    func under() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
        for name in ["b.pem", "a.pem", ".hidden", "inner/c.pem"] {
            try Data(name.utf8).write(to: URL(filePath: folder + "/" + name))
        }
        try #require(mkfifo(folder + "/pipe", 0o600) == 0)
        #expect(filesUnder(folder) == [folder + "/a.pem", folder + "/b.pem"])
        #expect(filesUnder(folder + "/b.pem") == [folder + "/b.pem"])
        #expect(filesUnder(folder + "/none") == [folder + "/none"])
        #expect(readFile(folder) == nil && readFile(folder + "/none") == nil)
        #expect(readFile(folder + "/a.pem") == Array("a.pem".utf8))
    }

    @Test("A system's number that is old news keeps no file from its end")
    func oldNumber() {
        errno = EINTR
        #expect(readFile("/proc/self/comm")?.isEmpty == false)
    }

    @Test("What can't be made or opened is told by the system's number for that")
    func numbers() {
        let none = "/nowhere-\(UUID().uuidString)"
        for attempt in [
            { _ = try ScratchFile(in: ScratchFolder(none)) }, { try DurableFile.write([1], at: 0, of: none) },
            { try DurableFile.synchronise(folder: none) },
        ] as [() throws -> Void] {
            let error = #expect(throws: FilesError.self) { try attempt() }
            #expect(error?.code == .unwritable && error?.errno == ENOENT)
        }
    }

    @Test("A scratch file gives the bytes of a range, and touches no others; past its end it has none")
    func scratch() throws {
        let file = try ScratchFile(in: .temporary)
        let written: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        try written.withUnsafeBytes { try file.write(RawSpan(_unsafeBytes: $0), at: 0) }
        var room = [UInt8](repeating: 0, count: 6)
        var bytes = room.mutableSpan
        var raw = bytes.mutableBytes
        try file.read(into: &raw, 1..<4, at: 2)
        #expect(room == [0, 3, 4, 5, 0, 0])
        #expect(throws: FilesError.self) {
            var bytes = room.mutableSpan
            var raw = bytes.mutableBytes
            try file.read(into: &raw, 0..<4, at: 6)
        }
    }

    @Test("What a killed process left is removed; what another one writes, and others' hidden files, stay")
    func leftovers() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in [".index-1-2.new", ".index-1-x.new", ".other.new", "plain-1-2.new"] {
            try Data().write(to: URL(filePath: folder + "/" + name))
        }
        let writing = try NewFile(for: folder + "/index")
        let before = Set(names(in: folder))
        NewFile.removeLeftovers(in: folder)
        #expect(before.subtracting(names(in: folder)) == [".index-1-2.new"])
        withExtendedLifetime(writing) {}
    }

    @Test("The folder of a path", arguments: [("/a/b", "/a"), ("/a", "/"), ("a/b", "a"), ("a", ".")])
    func parent(path: String, expected: String) { #expect(Files.folder(of: path) == expected) }

    @Test("The system's number is told in its words, where there is one")
    func words() {
        #expect("\(FilesError(.unwritable, "/x", errno: ENOSPC))" == "/x cannot be written (No space left on device)")
        #expect("\(FilesError(.unreadable, "/x", errno: 0))" == "/x cannot be read")
        #expect("\(FilesError(.held, "/x", errno: 0))" == "another process holds /x")
    }

    @Test("A folder that somebody else holds for a moment is had when they let go of it")
    func letGo() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let holder = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(holder >= 0 && flock(holder, LOCK_EX) == 0)
        Thread.detachNewThread {
            usleep(50_000)
            close(holder)
        }
        #expect(throws: Never.self) { try FolderLock(folder: folder, patience: .seconds(30)) }
    }
}
