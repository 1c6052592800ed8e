internal import CCurl
internal import Glibc

/// Whom a URL leads to, read as libcurl reads it.
package struct HTTPTarget: Sendable, Equatable {
    /// As libcurl looks for it, in the form of the name service (RFC 5891).
    let host: String
    let port: UInt16
    private let kind: Kind

    private enum Kind: Equatable {
        case figures
        /// Its name is never asked about (RFC 6761 6.3).
        case thisMachine
        case name(String)
    }

    /// What the name service has to be asked about; nil: nothing.
    package var name: String? { if case .name(let name) = kind { name } else { nil } }
    var isFigures: Bool { kind == .figures }

    /// Nil for what is no URL with a host.
    package init?(_ url: String) {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        func part(_ part: CURLUPart, _ flags: Int32) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &text, UInt32(bitPattern: flags)) == CURLUE_OK, let text else {
                return nil
            }
            defer { curl_free(text) }
            return String(cString: text)
        }
        guard curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK, let host = part(CURLUPART_HOST, CURLU_PUNYCODE),
            let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap({ UInt16($0, radix: 10) })
        else { return nil }
        (self.host, self.port) = (host, port)
        var figures = in_addr()
        let isFigures = host.hasPrefix("[") || inet_pton(AF_INET, host, &figures) == 1
        let bare = (host.hasSuffix(".") ? String(host.dropLast()) : host).lowercased()
        let isThisMachine = bare == "localhost" || bare.hasSuffix(".localhost")
        kind = isFigures ? .figures : isThisMachine ? .thisMachine : .name(bare)
    }

    /// What CURLOPT_RESOLVE takes, so that libcurl finds the addresses and asks nobody; empty when there are none that it
    /// takes.
    /// - Parameter found: what the name service answered.
    func entries(_ found: [HostAddress]) -> [String] {
        let addresses =
            switch kind {
            case .figures: [String]()
            case .thisMachine: ["127.0.0.1", "[::1]"]
            case .name: found.compactMap(\.text).map { $0.contains(":") ? "[\($0)]" : $0 }
            }
        guard !addresses.isEmpty else { return [] }
        // Versions differ in whether their cache knows a host with its last dot.
        return Set([host, host.hasSuffix(".") ? String(host.dropLast()) : host]).map {
            "\($0):\(port):\(addresses.prefix(8).joined(separator: ","))"
        }
    }
}
