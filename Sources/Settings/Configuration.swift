package import Announcement
package import Certificates
package import Clock
package import Cryptography
internal import Files
internal import FoundationEssentials
internal import Glibc
package import JOSE
package import MyNumberCard
internal import TLV

/// What kazashi.toml means: every file read, every key parsed. Whoever holds one can run.
package struct Configuration: Sendable {
    package let file: String
    /// Tells one state of the file from another; nothing of it can be read from that.
    package let fingerprint: String
    package let kioskID: String
    /// Seconds; a welcomed card that is back within them is the same visit.
    package let minGap: Double
    /// The folder of everything that outlives a start.
    package let state: String
    package var revocationStore: String { state + "/revocation" }
    package let storageKey: SecretBytes
    package let signingKeyFile: SigningKeyFile
    package let signingKey: SigningKey
    package let timeSource: TrustedClock.Source
    package let readerName: String
    package let anchors: TrustAnchors
    /// Files of the anchors' folders that hold no certificate.
    package let anchorFilesLeftOut: [String]
    package let cardAnchors: CardAnchors
    package let requirements: CertificateRequirements
    package let isTest: Bool
    package let pinsAtFirstProof: Bool
    package let revocationFiles: [String]
    package let revocationURLs: [String]
    /// Seconds.
    package let maxAge: Int64
    package let platform: String
    package let libraries: [Library]
    package let panel: PanelOptions
    /// The Unix socket where `kazashi status` asks.
    package let statusSocket: String
    /// The Prometheus textfile; nil: none is written.
    package let metricsFile: String?
    /// The machine, where it is the appliance's image.
    package let board: BoardOptions
    /// Secrets on the disk whose owner or mode is not as it must be.
    package let exposedSecrets: [ConfigurationError]

    private static func fingerprint(of text: String) -> String { Array(sha256(Array(text.utf8)).prefix(8)).hexText }

    /// Of the file as it is now; nil when it can't be read.
    package static func fingerprint(file: String) -> String? {
        (try? ConfigurationReader(file: file).text()).map(fingerprint)
    }

    /// The socket that the file names, for whoever may ask but not read the kiosk's secrets; also where the rest of the file
    /// can't be used: a kiosk says there that this is so.
    /// - Throws: when the file can't be read at all.
    package static func statusSocket(file: String) throws(ConfigurationError) -> String {
        _ = try ConfigurationReader(file: file).text()
        return ReadableParts(file: file).statusSocket
    }

    /// Reads the file and everything it names.
    /// - Parameters:
    ///   - credentials: the folder of what the service manager hands over (systemd.exec(5)).
    ///   - takesExposedSecrets: for the doctor, who names a secret that others may read and looks on; a kiosk refuses it.
    package init(
        file: String, credentials: String? = getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) },
        takesExposedSecrets: Bool = false
    ) throws(ConfigurationError) {
        var reader = ConfigurationReader(file: file, credentials: credentials)
        let text = try reader.text()
        fingerprint = Self.fingerprint(of: text)
        let written = try ConfigurationFile.parse(text, file: file)
        reader.rights = SecretRights(state: reader.resolve(written.kiosk.state))
        exposedSecrets = reader.exposures(in: written)
        if takesExposedSecrets { reader.taken = exposedSecrets }
        self.file = file
        kioskID = written.kiosk.id
        guard !kioskID.isEmpty else { throw reader.wrong("kiosk.id", "must not be empty") }
        minGap = try reader.duration(written.kiosk.min_gap ?? "2s", "kiosk.min_gap").seconds
        state = reader.resolve(written.kiosk.state)
        storageKey = try reader.storageKey(written.kiosk.storage_key)
        signingKeyFile = SigningKeyFile(path: reader.resolve(written.kiosk.signing_key))
        signingKey = try reader.signingKey(written.kiosk.signing_key)
        guard let source = TrustedClock.Source(rawValue: written.time?.source ?? "synchronised") else {
            throw reader.wrong("time.source", #"must be "synchronised" or "system""#)
        }
        timeSource = source
        readerName = written.reader?.name ?? ""
        isTest = written.trust.test ?? false
        let denied = try reader.denied(written.trust.denied ?? [])
        (anchors, anchorFilesLeftOut) = try reader.anchors(written.trust.anchors)
        cardAnchors = try reader.cardAnchors(written.trust.card_anchors, isTest: isTest, denied: denied)
        requirements = CertificateRequirements(
            policies: try reader.policies(written.trust.policies ?? []), denied: denied)
        pinsAtFirstProof = written.registration?.pin_at_first_proof ?? true
        revocationFiles = (written.revocation?.files ?? []).map(reader.resolve)
        revocationURLs = written.revocation?.urls ?? []
        guard revocationURLs.allSatisfy({ $0.hasPrefix("https://") || $0.hasPrefix("http://") }) else {
            throw reader.wrong("revocation.urls", "must begin with https:// or http:// (CRLs are signed)")
        }
        maxAge = try reader.duration(written.revocation?.max_age ?? "36h", "revocation.max_age").wholeSeconds
        platform = written.platform.issuer
        libraries = try reader.libraries(written.library, of: kioskID, platform: platform, signingKey: signingKey)
        statusSocket = reader.statusSocket(written.service?.status)
        metricsFile = written.service?.metrics.map(reader.resolve)
        board = try reader.board(written.board, metrics: metricsFile)
        panel = try reader.panel(written.panel, language: written.kiosk.language ?? "ja", isTest: isTest)
    }
}

/// Reads what the configuration names, relative to its own folder, and says which key named it.
struct ConfigurationReader {
    let file: String
    /// Where paths that begin with `credential:` lie.
    var credentials: String?
    /// Exposures that are named elsewhere; any other is refused.
    var taken: [ConfigurationError] = []
    var rights = SecretRights(state: "/")
    private static let credential = "credential:"

    func wrong(_ key: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(.wrongValue, file: file, place: .key(key), problem)
    }

    /// Whatever a technician's editor made of it: with a byte order mark, or with the ends of lines that Windows writes.
    func text() throws(ConfigurationError) -> String {
        guard var bytes = readFile(file) else { throw ConfigurationError(.unreadable, file: file, "cannot be read") }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw ConfigurationError(.notUTF8, file: file, place: .line(1), "is UTF-16")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw ConfigurationError(
            .notUTF8, file: file, place: .line(line + 1), "is not UTF-8; is it Shift_JIS (ANSI)?")
    }

    /// What a path that begins with `credential:` names; nil for any other.
    static func credentialName(_ path: String) -> String? {
        path.hasPrefix(credential) ? String(path.dropFirst(credential.count)) : nil
    }

    func resolve(_ path: String) -> String {
        if let name = Self.credentialName(path), let credentials { return credentials + "/" + name }
        guard !path.hasPrefix("/") else { return path }
        guard let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    func statusSocket(_ written: String?) -> String { resolve(written ?? "/run/kazashi/status.sock") }

    func duration(_ text: String, _ key: String) throws(ConfigurationError) -> WrittenDuration {
        guard let duration = WrittenDuration(text) else {
            throw wrong(key, #"must be a duration such as "2s" or "36h""#)
        }
        return duration
    }

    func bytes(_ path: String, _ key: String) throws(ConfigurationError) -> [UInt8] {
        guard credentials != nil || !path.hasPrefix(Self.credential) else {
            throw ConfigurationError(
                .noCredential, file: file, place: .key(key),
                "\(path) is a systemd credential, readable only in the service")
        }
        guard let bytes = readFile(resolve(path)) else {
            throw ConfigurationError(.unreadable, file: file, place: .key(key), "\(path) cannot be read")
        }
        return bytes
    }

    /// A file that holds a secret: nobody but the kiosk's user may read it.
    func secret(_ path: String, _ key: String) throws(ConfigurationError) -> [UInt8] {
        if let exposure = exposure(of: path, key), !taken.contains(where: { $0.problem == exposure.problem }) {
            throw exposure
        }
        do throws(ConfigurationError) {
            return try bytes(path, key)
        } catch {
            // Why, where its owner and its mode say so.
            throw fault(of: path, key) ?? error
        }
    }

    /// What is to be said of a secret that somebody else may read; nil when nobody may.
    private func exposure(of path: String, _ key: String) -> ConfigurationError? {
        if case .exposed = rights.verdict(on: resolve(path)) { fault(of: path, key) } else { nil }
    }

    /// What is wrong with a secret's owner or mode; nil when they are right, and of a credential of the service manager's:
    /// that has its reader in an access list, which shows as a group's right, and its folder keeps everybody else out.
    private func fault(of path: String, _ key: String) -> ConfigurationError? {
        guard !path.hasPrefix(Self.credential) else { return nil }
        switch rights.verdict(on: resolve(path)) {
        case .right: return nil
        case .unreadable(let text), .exposed(let text):
            return ConfigurationError(.wrongMode, file: file, place: .key(key), "\(path) \(text)")
        }
    }

    /// Each file once, under the first key that names it.
    func exposures(in written: ConfigurationFile) -> [ConfigurationError] {
        var told: Set<String> = []
        return secrets(in: written).compactMap { key, path in
            told.insert(resolve(path)).inserted ? fault(of: path, key) : nil
        }
    }

    /// Every file that is secret, with the key that names it.
    func secrets(in written: ConfigurationFile) -> [(key: String, path: String)] {
        var secrets = [
            ("kiosk.storage_key", written.kiosk.storage_key), ("kiosk.signing_key", written.kiosk.signing_key),
        ]
        for library in written.library {
            if let path = library.shared_key { secrets.append(("library.\(library.name).shared_key", path)) }
            if let (name, path) = library.clientSecret { secrets.append(("library.\(library.name).\(name)", path)) }
        }
        return secrets
    }

    func storageKey(_ path: String) throws(ConfigurationError) -> SecretBytes {
        var bytes = try secret(path, "kiosk.storage_key")
        defer { wipe(&bytes) }
        guard bytes.count == 32 else {
            throw ConfigurationError(
                .badKey, file: file, place: .key("kiosk.storage_key"), "\(path) must hold 32 raw bytes")
        }
        return SecretBytes(copying: bytes)
    }

    func signingKey(_ path: String) throws(ConfigurationError) -> SigningKey {
        var bytes = try secret(path, "kiosk.signing_key")
        defer { wipe(&bytes) }
        do {
            return SigningKey(try P256PrivateKey(pem: bytes))
        } catch {
            throw ConfigurationError(
                .badKey, file: file, place: .key("kiosk.signing_key"), "\(path) must be PEM of a P-256 private key")
        }
    }

    /// - Returns: the anchors, and the files of folders that hold no certificate: they are left out, and told of.
    func anchors(_ paths: [String]) throws(ConfigurationError) -> (anchors: TrustAnchors, leftOut: [String]) {
        func problem(_ words: String) -> ConfigurationError {
            ConfigurationError(.badKey, file: file, place: .key("trust.anchors"), words)
        }
        var certificates: [[UInt8]] = []
        var leftOut: [String] = []
        for path in paths.map(resolve) {
            for name in filesUnder(path) {
                guard let found = readFile(name) else {
                    throw ConfigurationError(
                        .unreadable, file: file, place: .key("trust.anchors"), "\(name) cannot be read")
                }
                guard let blocks = try? derBlocks(in: found, label: "CERTIFICATE") else {
                    throw problem("\(name) holds PEM that is not base64, or not closed")
                }
                do {
                    _ = try TrustAnchors(blocks)
                } catch {
                    // DER may be anything: a key, a list.
                    guard name != path, error.code == .malformed, blocks == [found] else {
                        throw problem("\(name): \(error.reason)")
                    }
                    leftOut.append(name)
                    continue
                }
                if blocks.isEmpty {
                    guard name != path else { throw problem("\(name) holds no certificate") }
                    leftOut.append(name)
                }
                certificates += blocks
            }
        }
        guard !certificates.isEmpty else { throw problem("there is no certificate") }
        do {
            return (try TrustAnchors(certificates), leftOut)
        } catch {
            throw problem(error.reason)
        }
    }

    func cardAnchors(_ paths: [String], isTest: Bool, denied: Set<[UInt8]>) throws(ConfigurationError) -> CardAnchors {
        struct Item: Decodable {
            let key_id: String
            let use: String?
            let n: String
            let e: String
        }
        let key = "trust.card_anchors"
        var anchors = CardAnchors(allowsTest: isTest, denied: denied)
        for path in paths {
            guard let items = try? JSONDecoder().decode([Item].self, from: Data(try bytes(path, key))) else {
                throw ConfigurationError(
                    .badKey, file: file, place: .key(key), "\(path) must be a JSON array of card anchors")
            }
            for (index, item) in items.enumerated() {
                guard let id = [UInt8](hexText: item.key_id).flatMap({ KeyIdentifier($0) }),
                    let n = [UInt8](hexText: item.n),
                    let e = [UInt8](hexText: item.e),
                    let use = CardAnchors.Use(rawValue: item.use ?? "visual"),
                    let rsa = try? RSAPublicKey(modulus: n, exponent: e)
                else {
                    throw ConfigurationError(
                        .badKey, file: file, place: .key(key), "\(path): entry \(index) is not a key")
                }
                do {
                    try anchors.add(id, use: use, key: rsa)
                } catch {
                    throw ConfigurationError(
                        .badKey, file: file, place: .key(key),
                        "\(path): entry \(index) is in the test range; only trust.test = true allows it")
                }
            }
        }
        guard !anchors.isEmpty else {
            throw ConfigurationError(.badKey, file: file, place: .key(key), "there is no card anchor")
        }
        return anchors
    }

    func denied(_ texts: [String]) throws(ConfigurationError) -> Set<[UInt8]> {
        var denied: Set<[UInt8]> = []
        for text in texts {
            guard let bytes = [UInt8](hexText: text), [16, 20, 32].contains(bytes.count) else {
                throw wrong("trust.denied", "must be a key id or key hash in hex")
            }
            denied.insert(bytes)
        }
        return denied
    }

    func policies(_ texts: [String]) throws(ConfigurationError) -> [OID] {
        try texts.map { (text) throws(ConfigurationError) in
            guard let oid = OID(text) else {
                throw wrong("trust.policies", "must be an object identifier such as 1.2.392")
            }
            return oid
        }
    }
}
