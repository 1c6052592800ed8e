import Foundation
import HTTPClient
import TestRig
import Testing

/// Real TLS against `openssl s_server`: the private authority that a library may have, and the server's name.
@Suite(.timeLimit(.minutes(2))) struct TLSTests {
    private let folder: String

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-tls-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=kazashi test", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem",
                "-out", folder + "/certificate.pem",
            ])
        try #require(made.code == 0, "\(made.error)")
    }

    /// One connection of a server that answers 202 to whatever it is sent.
    private func withTLSServer(_ options: [String] = [], _ body: (_ port: String) async throws -> Void) async throws {
        let server = try ChildProcess(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", folder + "/certificate.pem", "-key", folder + "/key.pem",
                "-naccept", "1",
            ] + options, input: Array("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".utf8))
        for await line in server.lines {
            guard line.hasPrefix("ACCEPT "), let port = line.split(separator: ":").last else { continue }
            try await body(String(port))
            break
        }
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func send(to host: String, _ port: String, authorities: String?) async throws(HTTPClientError) -> Int {
        try await CurlClient().send(
            HTTPRequest(
                .post, "https://\(host):\(port)/events", body: Array("token".utf8), timeout: .seconds(5),
                tls: TLSOptions(authorities: authorities))
        ).status
    }

    @Test("A library's private authority is believed where it is configured")
    func privateAuthority() async throws {
        try await withTLSServer { port in
            let status = try await send(to: "localhost", port, authorities: folder + "/certificate.pem")
            #expect(status == 202)
        }
    }

    @Test("Without the authority there is no connection (libcurl 60)")
    func unknownAuthority() async throws {
        try await withTLSServer { port in
            await #expect(throws: HTTPClientError.network(60)) {
                try await send(to: "localhost", port, authorities: nil)
            }
        }
    }

    @Test("A certificate for another name is refused")
    func otherName() async throws {
        try await withTLSServer { port in
            await #expect(throws: HTTPClientError.network(60)) {
                try await send(to: "127.0.0.1", port, authorities: folder + "/certificate.pem")
            }
        }
    }

    @Test("TLS 1.1 is too old")
    func oldVersion() async throws {
        try await withTLSServer(["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]) { port in
            await #expect(throws: HTTPClientError.self) {
                try await send(to: "localhost", port, authorities: folder + "/certificate.pem")
            }
        }
    }

    @Test(
        "A cipher whose traffic the server's key can open later is refused; one with forward secrecy is taken",
        arguments: [("AES256-GCM-SHA384", false), ("ECDHE-RSA-AES256-GCM-SHA384", true)])
    func forwardSecrecy(cipher: String, isTaken: Bool) async throws {
        let (key, certificate) = (folder + "/rsa-key.pem", folder + "/rsa.pem")
        let made = try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kazashi test", "-addext",
                "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ])
        try #require(made.code == 0, "\(made.error)")
        try await withTLSServer(["-cert", certificate, "-key", key, "-tls1_2", "-cipher", cipher]) { port in
            do throws(HTTPClientError) {
                let status = try await send(to: "localhost", port, authorities: certificate)
                #expect(status == 202 && isTaken)
            } catch {
                // CURLE_SSL_CONNECT_ERROR: no cipher in common.
                #expect(error == .network(35) && !isTaken)
            }
        }
    }
}
