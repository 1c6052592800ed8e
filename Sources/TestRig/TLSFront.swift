internal import Foundation

/// TLS before a desk that speaks plain HTTP on loopback, as a library would run it: stunnel, with a certificate made
/// now for `localhost`.
package final class TLSFront: Sendable {
    private let process: ChildProcess
    package let port: UInt16
    /// PEM of the certificate, to be believed by clients.
    package let certificate: String

    package static let program = "/usr/bin/stunnel"

    /// Makes a key and a certificate that signs itself.
    /// - Returns: the files' paths.
    package static func makeCertificate(_ name: String, in folder: String) async throws -> (
        certificate: String, key: String
    ) {
        let (certificate, key) = ("\(folder)/\(name).pem", "\(folder)/\(name)-key.pem")
        let made = try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out", certificate,
            ])
        guard made.code == 0 else { throw ChildProcess.Failed(description: made.error) }
        return (certificate, key)
    }

    /// - Parameters:
    ///   - desk: the port of the desk on this machine.
    ///   - folder: where its files are kept.
    ///   - client: PEM of the client certificate that is asked for; nil: none is.
    package init(before desk: UInt16, in folder: String, client: String? = nil) async throws {
        let files = try await Self.makeCertificate("localhost", in: folder)
        certificate = files.certificate
        var lines = [
            "foreground = yes", "pid =", "debug = info", "output = /dev/stdout", "[desk]", "accept = 127.0.0.1:0",
            "connect = 127.0.0.1:\(desk)", "cert = \(files.certificate)", "key = \(files.key)",
            // Nagle's algorithm on both sides would cost a delayed acknowledgement.
            "socket = l:TCP_NODELAY=1", "socket = r:TCP_NODELAY=1",
        ]
        if let client { lines += ["CAfile = \(client)", "verifyPeer = yes"] }
        let file = folder + "/stunnel.conf"
        try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        process = try ChildProcess(Self.program, [file])
        var port: UInt16?
        for await line in process.lines {
            port = line.firstMatch(of: /bound to 127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
            if port != nil { break }
        }
        guard let port else {
            throw ChildProcess.Failed(description: "stunnel did not start: \(process.standardOutput)")
        }
        self.port = port
    }

    /// What stunnel said so far.
    package var log: String { process.standardOutput }

    package func stop() async { await process.stop() }
}
