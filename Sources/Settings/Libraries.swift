internal import Announcement
package import Cryptography
internal import HTTPClient
internal import JOSE
package import Registry
internal import SecurityEvents

extension ConfigurationReader {
    func libraries(
        _ written: [ConfigurationFile.Library], of kiosk: String, platform: String, signingKey: SigningKey
    ) throws(ConfigurationError) -> [Library] {
        guard !written.isEmpty else {
            throw ConfigurationError(
                .missingKey, file: file, place: .key("library"), "there must be a [[library]] section")
        }
        guard Set(written.map(\.name)).count == written.count else {
            throw wrong("library.name", "each library must have its own name")
        }
        return try written.map { library throws(ConfigurationError) in
            let part = LibraryPart(reader: self, key: "library.\(library.name)", written: library)
            let endpoint = try part.endpoint()
            let suite = try part.suite(for: endpoint)
            // Whatever a registration may hold: the shortest pseudonym must fit.
            @Sendable func fits(_ library: Library) -> Bool {
                library.takesEveryToken(from: kiosk, platform: platform, ppid: "p", signingKey: signingKey)
            }
            let made = part.library(endpoint, suite) {
                guard let suite = try? part.suite(for: endpoint), fits(part.library(endpoint, suite)) else {
                    return nil
                }
                return suite
            }
            guard fits(made)
            else {
                throw wrong(
                    part.key + ".audience",
                    "kiosk.id, platform.issuer, this and the key's kid must fit into one token; together they are too long"
                )
            }
            return made
        }
    }
}

extension Configuration {
    /// Whether every token about this pseudonym is small enough for a library; true for one that is not configured.
    package func fits(_ library: String, ppid: PPID, serviceID: Confidential<String>?) -> Bool {
        guard let library = libraries.first(where: { $0.name == library }) else { return true }
        return library.takesEveryToken(
            from: kioskID, platform: platform, ppid: ppid.revealed, serviceID: serviceID, signingKey: signingKey)
    }
}

extension Library {
    /// Whether every token that this pseudonym may ever need is small enough.
    fileprivate func takesEveryToken(
        from kiosk: String, platform: String, ppid: String, serviceID: Confidential<String>? = nil,
        signingKey: SigningKey
    ) -> Bool {
        let subject = SubjectIdentifier(issuer: platform, subject: ppid)
        // Only its length counts.
        guard let jti = TokenID("AAAAAAAAAAAAAAAAAAAAAA") else { return false }
        let events: [PersonEvent] = [
            .presented(serviceID: serviceID), .replaced(previous: Confidential(ppid)), .attributesChanged,
        ]
        return events.allSatisfy { event in
            let claims = EventClaims(
                iss: kiosk, aud: audience, iat: 9_999_999_999, toe: 9_999_999_999, jti: jti,
                event: .person(event, subject))
            return SealedToken.size(of: claims, suite: suite, signingKeyID: signingKey.keyID) <= SealedToken.most
        }
    }
}

/// One `[[library]]`, read.
private struct LibraryPart: Sendable {
    let reader: ConfigurationReader
    let key: String
    let written: ConfigurationFile.Library

    private func missing(_ name: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(.missingKey, file: reader.file, place: .key("\(key).\(name)"), problem)
    }

    func endpoint() throws(ConfigurationError) -> Endpoint {
        let url = written.url
        if url.hasPrefix("https://") {
            for (name, path) in [("ca", written.ca), ("client_certificate", written.client_certificate)] {
                if let path { _ = try reader.bytes(path, "\(key).\(name)") }
            }
            // libcurl reads it itself.
            if let (name, path) = written.clientSecret { _ = try reader.secret(path, "\(key).\(name)") }
            return .https(
                url: url,
                tls: TLSOptions(
                    authorities: written.ca.map(reader.resolve),
                    clientCertificate: written.client_certificate.map(reader.resolve),
                    clientKey: written.client_key.map(reader.resolve)))
        }
        if url.hasPrefix("http://") {
            guard let (host, _) = Self.authority(of: url) else { throw reader.wrong(key + ".url", "must name a host") }
            // Only a numeric loopback address or `localhost` counts: a name may lead anywhere.
            if host == "localhost" || host == "127.0.0.1" || host == "::1" { return .loopback(url: url) }
            guard written.allow_plain_http == true else {
                throw reader.wrong(
                    key + ".url",
                    "must be https:// or udp://; http:// beyond this machine needs allow_plain_http = true")
            }
            return .plainHTTP(url: url)
        }
        guard url.hasPrefix("udp://"), let (host, port) = Self.authority(of: url), let port else {
            throw reader.wrong(key + ".url", "must begin with https://, udp:// (with a port) or http://")
        }
        return .udp(host: host, port: port)
    }

    /// Host and port of a URL; nil for none, or with a user in it.
    private static func authority(of url: String) -> (host: String, port: UInt16?)? {
        guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
        let authority = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { return nil }
        let host: Substring
        let rest: Substring
        if authority.hasPrefix("[") {
            host = authority.dropFirst().prefix { $0 != "]" }
            rest = authority.dropFirst(host.count + 2)
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority.dropFirst(host.count)
        }
        guard !host.isEmpty, rest.isEmpty || rest.hasPrefix(":") else { return nil }
        let port = UInt16(rest.dropFirst())
        guard rest.isEmpty || (port ?? 0) > 0 else { return nil }
        return (String(host), port)
    }

    func library(_ endpoint: Endpoint, _ suite: Suite, reread: @escaping @Sendable () -> Suite? = { nil }) -> Library {
        Library(
            name: written.name, audience: written.audience, endpoint: endpoint, isRequired: written.required ?? true,
            suite: suite, hearsOfOutages: written.report_out_of_service ?? false,
            keyFiles: [written.receiver_key, written.acknowledgement_key, written.shared_key].compactMap {
                $0.map(reader.resolve)
            }, reread: reread)
    }

    func suite(for endpoint: Endpoint) throws(ConfigurationError) -> Suite {
        switch written.suite ?? "nested" {
        case "nested":
            guard written.shared_key == nil else {
                throw reader.wrong(key + ".shared_key", #"must be removed: only the suite "direct" has one"#)
            }
            guard let path = written.receiver_key else {
                throw missing("receiver_key", #"the suite "nested" needs the receiver's key"#)
            }
            let receivers = try publicKeys(path, "receiver_key", for: .sealing)
            guard let receiver = receivers.first else { throw missing("receiver_key", "the file holds no key") }
            let acknowledgers = try written.acknowledgement_key.map { (path) throws(ConfigurationError) in
                try publicKeys(path, "acknowledgement_key", for: .verifying)
            }
            guard endpoint.provesWhoAnswers || acknowledgers != nil else {
                throw missing(
                    "acknowledgement_key",
                    "needed over udp:// and plain http://: only a signed acknowledgement tells who answers")
            }
            return .nested(
                receiver: receiver, others: Array(receivers.dropFirst()), acknowledgers: acknowledgers ?? [])
        case "direct":
            for (name, value) in [
                ("receiver_key", written.receiver_key), ("acknowledgement_key", written.acknowledgement_key),
            ] where value != nil {
                throw reader.wrong("\(key).\(name)", #"must be removed: the suite "direct" has shared_key only"#)
            }
            guard let path = written.shared_key else {
                throw missing("shared_key", #"the suite "direct" needs the shared key"#)
            }
            var bytes = try reader.secret(path, key + ".shared_key")
            defer { wipe(&bytes) }
            do {
                return .direct(try SharedKey.parse(bytes))
            } catch {
                throw ConfigurationError(
                    .badKey, file: reader.file, place: .key(key + ".shared_key"),
                    "\(path) must be an oct JWK of 32 bytes")
            }
        default: throw reader.wrong(key + ".suite", #"must be "nested" or "direct""#)
        }
    }

    private func publicKeys(_ path: String, _ name: String, for purpose: PublicJWK.Purpose)
        throws(ConfigurationError) -> [PublicJWK]
    {
        let bytes = try reader.bytes(path, "\(key).\(name)")
        let problem: String
        do {
            return try PublicJWK.parse(bytes, for: purpose)
        } catch {
            switch error {
            case .noFittingKey:
                let fitting =
                    purpose == .sealing
                    ? #"for sealing (use "enc", key_ops deriveKey or deriveBits)"#
                    : #"for verifying (use "sig", key_ops verify)"#
                problem = "\(path) has no P-256 public key \(fitting)"
            case .unsuitableKey: problem = "\(path) holds a private key: make a new pair and use its public key only"
            default: problem = "\(path) must be a P-256 public JWK, or a JWK Set"
            }
        }
        throw ConfigurationError(.badKey, file: reader.file, place: .key("\(key).\(name)"), problem)
    }
}
