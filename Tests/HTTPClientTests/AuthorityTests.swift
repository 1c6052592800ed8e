import Foundation
import Glibc
import HTTPClient
import TestRig
import Testing

/// A client that sees other authorities in the system's folder than the rest of the machine: its thread has a mount
/// namespace of its own.
private enum OtherSystem {
    private static let folder = "/etc/ssl/certs"

    private typealias Unshare = @convention(c) (Int32) -> Int32
    private typealias Mount =
        @convention(c) (
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UInt, UnsafeRawPointer?
        ) -> Int32

    /// Glibc's module shows neither to Swift.
    private static func mountOverFolder() -> Bool {
        guard let unshareSymbol = dlsym(nil, "unshare"), let mountSymbol = dlsym(nil, "mount") else { return false }
        let unshare = unsafeBitCast(unshareSymbol, to: Unshare.self)
        let mount = unsafeBitCast(mountSymbol, to: Mount.self)
        let (newNamespace, recursively, privately): (Int32, UInt, UInt) = (0x20000, 1 << 14, 1 << 18)
        return unshare(newNamespace) == 0 && mount("none", "/", nil, recursively | privately, nil) == 0
            && mount("none", folder, "tmpfs", 0, nil) == 0
    }

    /// False where namespaces are not to be had: `board/private` has them.
    static var isToBeHad: Bool { onThread { mountOverFolder() } }

    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        let result = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var value: Value?
        let thread = Thread {
            value = body()
            result.signal()
        }
        thread.start()
        result.wait()
        guard let value else { preconditionFailure("the thread has signalled") }
        return value
    }

    /// - Parameters:
    ///   - authority: PEM of the one that the system believes, found in its folder by `hash`.
    ///   - bundle: what stands in the system's file.
    static func client(believing authority: Data, hash: String, bundle: Data) -> CurlClient? {
        onThread {
            guard mountOverFolder(), (try? authority.write(to: URL(filePath: "\(folder)/\(hash).0"))) != nil,
                (try? bundle.write(to: URL(filePath: "\(folder)/ca-certificates.crt"))) != nil
            else { return nil }
            // What this thread starts sees what it sees.
            return CurlClient()
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct AuthorityTests {
    @Test(
        "The authority that is configured is the only one: another one of the system's is not believed beside it",
        .enabled(if: OtherSystem.isToBeHad, "needs a mount namespace; board/private has one"))
    func only() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-ca-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await TLSFront.makeCertificate("localhost", in: folder)
        let configured = try await TLSFront.makeCertificate("authority", in: folder)
        let hash = try await ChildProcess.run(
            "/usr/bin/openssl", ["x509", "-noout", "-hash", "-in", server.certificate])
        let client = try #require(
            OtherSystem.client(
                believing: Data(contentsOf: URL(filePath: server.certificate)),
                hash: hash.output.trimmingCharacters(in: .whitespacesAndNewlines),
                bundle: Data(contentsOf: URL(filePath: configured.certificate))))
        let process = try ChildProcess(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", server.certificate, "-key", server.key, "-www",
            ])
        var port = ""
        for await line in process.lines {
            guard line.hasPrefix("ACCEPT "), let found = line.split(separator: ":").last else { continue }
            port = String(found)
            break
        }
        func send(_ authorities: String?) async throws(HTTPClientError) -> Int {
            try await client.send(
                HTTPRequest(
                    .get, "https://localhost:\(port)/", timeout: .seconds(10), most: 1 << 20,
                    tls: TLSOptions(authorities: authorities))
            ).status
        }
        #expect(try await send(nil) == 200, "the system's folder counts where no authority is configured")
        await #expect(throws: HTTPClientError.network(60)) { try await send(configured.certificate) }
        #expect(try await send(server.certificate) == 200)
        // Another file under the same name: what was read of the first one counts no more.
        let replaced = folder + "/replaced.pem"
        try FileManager.default.copyItem(atPath: server.certificate, toPath: replaced)
        #expect(try await send(replaced) == 200)
        try FileManager.default.removeItem(atPath: replaced)
        try FileManager.default.copyItem(atPath: configured.certificate, toPath: replaced)
        await #expect(throws: HTTPClientError.network(60)) { try await send(replaced) }
        await process.stop()
    }

    @Test("No session's secrets go to a file that the environment names")
    func keyLog() async throws {
        await #expect(processExitsWith: .success) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-log-\(UUID().uuidString)")
                .path()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            setenv("SSLKEYLOGFILE", folder + "/secrets", 1)
            let server = try await TLSFront.makeCertificate("localhost", in: folder)
            let process = try ChildProcess(
                "/usr/bin/env",
                [
                    "-u", "SSLKEYLOGFILE", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", server.certificate,
                    "-key", server.key, "-www",
                ])
            for await line in process.lines {
                guard line.hasPrefix("ACCEPT "), let port = line.split(separator: ":").last else { continue }
                let response = try await CurlClient().send(
                    HTTPRequest(
                        .get, "https://localhost:\(port)/", timeout: .seconds(10), most: 1 << 20,
                        tls: TLSOptions(authorities: server.certificate)))
                #expect(response.status == 200)
                break
            }
            await process.stop()
            #expect(!FileManager.default.fileExists(atPath: folder + "/secrets"))
        }
    }

    @Test("Neither a proxy of the environment nor a .netrc has a say")
    func environment() async throws {
        await #expect(processExitsWith: .success) {
            let home = FileManager.default.temporaryDirectory.appending(path: "kazashi-home-\(UUID().uuidString)")
                .path()
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: home) }
            try "machine 127.0.0.1 login somebody password secret\n".write(
                toFile: home + "/.netrc", atomically: true, encoding: .utf8)
            for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
                setenv(name, "http://127.0.0.1:1", 1)
            }
            setenv("HOME", home, 1)
            unsetenv("no_proxy")
            unsetenv("NO_PROXY")
            let server = try ScriptedServer { request in
                .init(request.headers["authorization"] == nil ? "202 Accepted" : "403 Forbidden")
            }
            let response = try await CurlClient().send(HTTPRequest(.get, server.url("x")))
            #expect(response.status == 202)
            server.stop()
        }
    }
}
