internal import Glibc

/// A pcscd of our own with the virtual reader, in the private namespaces where its socket and ports are nobody else's.
package final class PCSCDaemon: Sendable {
    private let process: ChildProcess

    /// Starts pcscd and waits until the virtual reader listens.
    /// - Parameter withReader: false starts it with a folder of reader descriptions that has none.
    package init(withReader: Bool = true) async throws {
        if withReader, Self.isListening {
            throw ChildProcess.Failed(description: "another process listens at vpcd's port")
        }
        let none = withReader ? [] : ["--config", Self.emptyFolder]
        process = try ChildProcess("/usr/sbin/pcscd", ["--foreground", "--error"] + none)
        let deadline = ContinuousClock.now + .seconds(10)
        // pcscd announces nothing that could be awaited.
        while ContinuousClock.now < deadline {
            if access("/run/pcscd/pcscd.comm", F_OK) == 0, !withReader || Self.isListening { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ChildProcess.Failed(description: "pcscd with vpcd did not come up: \(process.standardError)")
    }

    private static var emptyFolder: String {
        let path = "/tmp/kazashi-no-readers"
        mkdir(path, 0o755)
        return path
    }

    /// Whether both slots of vpcd listen, read from the kernel's table: to connect would insert a card.
    private static var isListening: Bool {
        guard let table = readText("/proc/net/tcp") else { return false }
        return [":8C7B", ":8C7C"].allSatisfy { table.contains("\($0) 00000000:0000 0A") }
    }

    package func stop(_ signal: Int32 = SIGTERM) async { await process.stop(signal) }
}

func readText(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        guard count > 0 else { break }
        text += buffer.prefix(count)
    }
    return String(decoding: text, as: UTF8.self)
}
