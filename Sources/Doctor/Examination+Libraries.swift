internal import Advice
internal import Announcement
internal import Certificates
internal import Clock
internal import Cryptography
internal import Dispatch
internal import HTTPClient
internal import Kiosk
internal import ListKeeper
internal import Panel
internal import SecurityEvents

extension Examination {
    /// Name, connection and TLS first, for they have their own cures; then a token that says nothing: the withdrawal of a
    /// number that was never given. Its acknowledgement shows that keys, audience and clocks agree.
    func check(_ library: Library, _ clock: KioskClock) async -> Finding {
        let part = "library \(library.name)"
        if let problem = await connection(to: library.endpoint) {
            return Finding(part, .wrong, problem)
        }
        // A token bears the time that it was signed at.
        guard clock.now() != nil else { return Finding(part, .warning, .libraryUntried) }
        let announcer = Appliance.announcer(for: configuration, clock: clock)
        switch await announcer.probe(library.name, deadline: .now + .seconds(5)) {
        case .acknowledged: return Finding(part, "acknowledges this kiosk's tokens", "この端末のトークンを受信確認しました。")
        case .unreachable:
            return Finding(
                part, .wrong, Words("no valid acknowledgement within 5 s", "5 秒以内に有効な受信確認がありません。"),
                do: .libraryNetwork)
        case .refused(let error):
            return Finding(part, .wrong, error?.advice ?? PushError.rejected, of: error?.rawValue)
        }
    }

    /// What the kiosk shows to a library, and what it believes the library by, must not run out unseen.
    func certificates(of library: Library, _ now: TrustedTime?) -> [Finding] {
        guard case .https(_, let tls) = library.endpoint, let now else { return [] }
        return [("client_certificate", tls.clientCertificate), ("ca", tls.authorities)].compactMap { key, file in
            guard let file, let certificates = try? CertificateCheck.certificates(in: [file]) else { return nil }
            let left = certificates.compactMap { der in
                (try? X509CertificateList().append(der) { _, _, _ in true })?.notAfter.secondsSince1970
            }.map { $0 - now.secondsSince1970 }
            // A client's own certificate comes first; of authorities the last to end may be the one that counts.
            let counts = key == "ca" ? left.max() : left.first
            return Self.ending(
                "library \(library.name)", Words("certificates of \(key)", "\(key) の証明書"),
                left: [counts].compactMap { $0 }, do: .libraryCertificate)
        }
    }

    private func connection(to endpoint: Endpoint) async -> Advice? {
        switch endpoint {
        case .udp(let host, _):
            let isThere = await withCheckedContinuation { continuation in
                // The name service blocks for as long as it likes; the tool has nothing else to do.
                DispatchQueue.global().async {
                    continuation.resume(returning: !HostAddress.lookUp(host).isEmpty)
                }
            }
            return isThere ? nil : .unknownHost
        case .https(let url, let tls): return await connection(to: url, tls)
        case .loopback(let url), .plainHTTP(let url): return await connection(to: url, TLSOptions())
        }
    }

    private func connection(to url: String, _ tls: TLSOptions) async -> Advice? {
        do throws(HTTPClientError) {
            _ = try await CurlClient().send(HTTPRequest(.options, url, timeout: .seconds(5), tls: tls))
            return nil
        } catch {
            return Self.advice(on: error)
        }
    }

    /// What is to be said of a connection that failed; nil where the library answers, whatever it says.
    static func advice(on error: HTTPClientError) -> Advice? {
        switch error {
        case .network(let code):
            switch NetworkFault(libcurl: code) {
            case .unknownHost: return .unknownHost
            case .noConnection:
                return Advice(Words("connection refused", "接続を拒否されました。"), do: .libraryNetwork)
            case .untrusted, .tls:
                return Advice(
                    Words("TLS failed (libcurl \(code))", "TLS 接続に失敗しました（libcurl \(code)）。"), do: .libraryTLS)
            case .broken, .other:
                return Advice(
                    Words("connection failed (libcurl \(code))", "接続に失敗しました（libcurl \(code)）。"),
                    do: .libraryNetwork)
            }
        case .timedOut:
            return Advice(Words("no answer within 5 s", "5 秒以内に応答がありません。"), do: .libraryNetwork)
        case .unusableRequest:
            return Advice(
                Words(
                    "the URL, or a file of ca or client_certificate, cannot be used",
                    "URL、または ca・client_certificate のファイルを使用できません。"), do: .libraryTLS)
        case .answerTooLarge, .cancelled, .stopped: return nil
        }
    }
}
