import Foundation
import Glibc
import TestRig

/// A web server of a fleet's (nginx) with a CA of its own; for the emulated PC it is 10.0.2.2.
final class UpdateServer: Sendable {
    let url: String
    /// The certificate of its CA, which is its own.
    let certificate: String
    private let folder: String
    private let nginx: ChildProcess

    /// - Parameters:
    ///   - folder: what is in it is served, as far as it is a bundle.
    ///   - givesParts: whether it answers requests for ranges of bytes (RFC 9110, 14).
    init(_ folder: String, givesParts: Bool) async throws {
        self.folder = folder
        let free = try LoopbackSocket.bound(SOCK_STREAM)
        close(free.descriptor)
        (url, certificate) = ("https://10.0.2.2:\(free.port)/kazashi.raucb", folder + "/server.pem")
        let made = try await ChildProcess.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=10.0.2.2", "-addext", "subjectAltName=IP:10.0.2.2", "-days", "3650", "-keyout",
                folder + "/server.key", "-out", certificate,
            ])
        guard made.code == 0 else { throw FlashedDisk.Problem(description: made.error) }
        let settings = """
            user root;
            worker_processes 1;
            pid \(folder)/nginx.pid;
            error_log \(folder)/errors;
            events {}
            http {
                access_log \(folder)/requests;
                client_body_temp_path \(folder)/body;
                proxy_temp_path \(folder)/proxy;
                fastcgi_temp_path \(folder)/fastcgi;
                uwsgi_temp_path \(folder)/uwsgi;
                scgi_temp_path \(folder)/scgi;
                server {
                    listen 127.0.0.1:\(free.port) ssl;
                    ssl_certificate \(certificate);
                    ssl_certificate_key \(folder)/server.key;
                    \(givesParts ? "" : "max_ranges 0;")
                    location ~ [.]raucb$ { root \(folder); }
                }
            }
            """
        try settings.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        nginx = try ChildProcess(
            "/usr/sbin/nginx", ["-c", folder + "/nginx.conf", "-e", folder + "/errors", "-g", "daemon off;"])
    }

    /// A line a request: status, bytes and more.
    var requests: String { (try? String(contentsOfFile: folder + "/requests", encoding: .utf8)) ?? "" }

    func stop() async { await nginx.stop() }
}
