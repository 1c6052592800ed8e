import Foundation
import Glibc
import Service
import Testing

@Suite(.timeLimit(.minutes(2))) struct StatusSocketTests {
    /// It blocks, so it has a thread of its own.
    private func ask(_ path: String, patience: Int = 30) async throws -> StatusReport {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try StatusSocket.ask(path, patience: patience) })
            }
        }
    }

    @Test("No kiosk, no socket, a socket that nobody answers")
    func nobody() async throws {
        #expect(throws: StatusError.notRunning) { try StatusSocket.ask("/nowhere/status.sock") }
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        let silent = try StatusSocket(path) {
            try? await Task.sleep(for: .seconds(60))
            return []
        }
        defer { silent.stop() }
        await #expect(throws: StatusError.silent) {
            try await ask(path, patience: 1)
        }
        let garbled = path + "g"
        let other = try StatusSocket(garbled) { Array("{}".utf8) }
        defer { other.stop() }
        await #expect(throws: StatusError.malformed) {
            try await ask(garbled)
        }
    }

    @Test("A report that is longer than any may be is not read to its end")
    func tooLong() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer {
            close(listener)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 1) == 0
            }
        }
        try #require(isBound)
        Thread.detachNewThread {
            let client = accept(listener, nil, nil)
            let bytes = [UInt8](repeating: 0x20, count: 64 * 1_024)
            while send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
            close(client)
        }
        await #expect(throws: StatusError.malformed) { try await ask(path) }
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
        #expect(await file.replace(with: "first\n"))
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
