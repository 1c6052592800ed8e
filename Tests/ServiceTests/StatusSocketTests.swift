import Foundation
import Glibc
import OwnThreads
@testable import Service
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(2))) struct StatusSocketTests {
    @Test("No kiosk, no socket, a socket that nobody answers")
    func nobody() async throws {
        #expect(throws: StatusError.notRunning) { try StatusSocket.ask("/nowhere/status.sock") }
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        let silent = try StatusSocket(path) {
            try? await Task.sleep(for: .seconds(60))
            return []
        }
        defer { silent.stop() }
        #expect(throws: StatusError.silent) {
            try StatusSocket.ask(path, patience: 1)
        }
        let garbled = path + "g"
        let other = try StatusSocket(garbled) { Array("{}".utf8) }
        defer { other.stop() }
        #expect(throws: StatusError.malformed) {
            try StatusSocket.ask(garbled, patience: 30)
        }
    }

    /// Answers one connection with these bytes, as no kiosk would.
    private func serving(_ bytes: [UInt8], _ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer {
            close(listener)
            unlink(path)
        }
        var address = try #require(sockaddr_un(path: path))
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 1) == 0
            }
        }
        try #require(isBound)
        Thread.detachNewThread {
            let client = accept(listener, nil, nil)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
            close(client)
        }
        try await body(path)
    }

    @Test("A report of 256 KiB is read, and a longer one is not")
    func longest() async throws {
        let report = StatusReport(
            kiosk: "kiosk", state: "ready", cause: nil, code: nil, since: 0, uptime: 0, reader: nil,
            lists: .init(served: 0, entries: 0, age: nil, firstEnds: nil, lastEnds: nil), libraries: [],
            unconfigured: [], panel: [], taps: [:], test: false, configuration: nil)
        let longest = report.json + [UInt8](repeating: 0x20, count: 256 * 1_024 - report.json.count)
        try await serving(longest) { path async throws -> Void in
            #expect(try StatusSocket.ask(path, patience: 30).kiosk == "kiosk")
        }
        try await serving(longest + [0x20]) { path in
            #expect(throws: StatusError.malformed) { try StatusSocket.ask(path, patience: 30) }
        }
    }

    @Test("A path of a socket may have 107 bytes (unix(7))")
    func longestPath() {
        #expect(sockaddr_un(path: String(repeating: "p", count: 107)) != nil)
        #expect(sockaddr_un(path: String(repeating: "p", count: 108)) == nil && sockaddr_un(path: "") == nil)
    }
}

@Suite struct MetricsFileTests {
    @Test(
        "The textfile is replaced whole, for everybody to read; one that can't be written is said so, and the old one stays"
    )
    func file() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/kazashi.prom"
        let file = MetricsFile(path: path)
        // What an earlier run left when it was killed.
        let left = folder + "/.kazashi.prom-1-2.new"
        try Data().write(to: URL(filePath: left))
        #expect(await file.replace(with: "first\n"))
        #expect(!FileManager.default.fileExists(atPath: left))
        // Whoever reads meanwhile keeps the file as it was.
        let reading = try #require(FileHandle(forReadingAtPath: path))
        #expect(await file.replace(with: "second\n"))
        #expect(try reading.readToEnd() == Data("first\n".utf8))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "second\n")
        var information = stat()
        #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["kazashi.prom"])
        #expect(await !MetricsFile(path: folder + "/no/kazashi.prom").replace(with: "third\n"))
    }
}
