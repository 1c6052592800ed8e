internal import Clock
internal import Cryptography
package import Desk
internal import Foundation
package import Glibc
package import JOSE
internal import TestPKI
internal import TestRig
package import VirtualCard

/// A folder with everything that one kiosk and one library need to be tried: keys made now, a test PKI, a configuration.
/// Test keys only; nothing in it is anybody's.
package struct PilotFolder: Sendable {
    package let path: String
    package let issuers: TestIssuers
    /// What tokens are sealed for, what acknowledgements are signed with, and the suite `direct`'s one key.
    package let libraryKey: SigningKey
    package let acknowledgementKey: SigningKey
    package let sharedKey: SharedKey
    package let kioskKey: SigningKey
    package let now: Int64

    package static let audience = "https://ils.example"
    package static let kioskID = "kiosk-07.lib.example"
    package static let platform = "https://mkpf.example"

    package var configuration: String { path + "/kazashi.toml" }

    /// How the kiosk reaches the library on this machine.
    package enum Channel: String, Sendable, CaseIterable {
        case http, udp, udp6

        func url(_ port: UInt16) -> String {
            switch self {
            case .http: "http://127.0.0.1:\(port)/events"
            case .udp: "udp://127.0.0.1:\(port)"
            case .udp6: "udp://[::1]:\(port)"
            }
        }
    }

    /// What a test may want otherwise in kazashi.toml.
    package struct Options: Sendable {
        package var channel = Channel.http
        package var port: UInt16 = 9
        package var suite = "nested"
        /// Whether the library hears of outages.
        package var reportsOutages = false
        package var minGap = "0s"
        package var maxAge = "36h"
        package var isTest = true
        package var pinsAtFirstProof = true
        package var display = "terminal"
        package var timeSource = "system"
        package var readerName = "Virtual PCD 00 00"
        /// Hours that the list is old.
        package var listAge: Double = 1
        /// Serials on the list.
        package var revoked: [[UInt8]] = []
        package var denied: [String] = []
        /// Where lists are fetched from.
        package var urls: [String] = []

        package init() {}
    }

    /// Makes the folder and writes everything but cards and registrations.
    package init(_ path: String, issuers: TestIssuers? = nil, options: Options = Options()) throws {
        self.path = path
        now = systemTime()
        self.issuers = try issuers ?? TestIssuers(now: now)
        libraryKey = SigningKey(try P256PrivateKey.generate())
        acknowledgementKey = SigningKey(try P256PrivateKey.generate())
        sharedKey = try SharedKey.generate()
        kioskKey = SigningKey(try P256PrivateKey.generate())
        for folder in ["", "/anchors", "/crl", "/cards", "/state"] {
            try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
        }
        try write("storage.key", try SecureRandom.shared.bytes(32), mode: 0o600)
        try write("kiosk-es256.pem", try kioskKey.key.pem.withBytes { Array($0) }, mode: 0o600)
        try write("library-ecdh.pem", try libraryKey.key.pem.withBytes { Array($0) }, mode: 0o600)
        try write("library-sign.pem", try acknowledgementKey.key.pem.withBytes { Array($0) }, mode: 0o600)
        try write("central.jwk", Array(libraryKey.publicJWK.json.utf8))
        try write("central-sign.jwk", Array(acknowledgementKey.publicJWK.json.utf8))
        try write("central-shared.jwk", Array(sharedKey.secretJSON.utf8), mode: 0o600)
        try write("kiosk.jwk", Array(kioskKey.publicJWK.json.utf8))
        try write("anchors/authca-test.pem", PEM.encode(self.issuers.authority.certificate, label: "CERTIFICATE"))
        try write("card-anchors.json", Array("[\(self.issuers.visual.anchorJSON())]\n".utf8))
        try writeList(age: options.listAge, revoked: options.revoked)
        try writeConfiguration(options)
    }

    package func writeConfiguration(_ options: Options) throws {
        let text = """
            [kiosk]
            id = "\(Self.kioskID)"
            min_gap = "\(options.minGap)"
            state = "state"
            storage_key = "storage.key"
            signing_key = "kiosk-es256.pem"

            [time]
            source = "\(options.timeSource)"

            [reader]
            name = "\(options.readerName)"

            [trust]
            anchors = ["anchors"]
            card_anchors = ["card-anchors.json"]
            policies = ["1.2.392.200149.8.5.1.3.30"]
            denied = [\(options.denied.map { "\"\($0)\"" }.joined(separator: ", "))]
            test = \(options.isTest)

            [registration]
            pin_at_first_proof = \(options.pinsAtFirstProof)

            [revocation]
            files = ["crl"]
            urls = [\(options.urls.map { "\"\($0)\"" }.joined(separator: ", "))]
            max_age = "\(options.maxAge)"

            [platform]
            issuer = "\(Self.platform)"

            [[library]]
            name = "central"
            audience = "\(Self.audience)"
            url = "\(options.channel.url(options.port))"
            \(Self.keys(options.suite))
            report_out_of_service = \(options.reportsOutages)

            [service]
            status = "status.sock"

            [panel]
            display = "\(options.display)"

            """
        try write("kazashi.toml", Array(text.utf8))
    }

    private static func keys(_ suite: String) -> String {
        suite == "direct"
            ? """
            suite = "direct"
            shared_key = "central-shared.jwk"
            """
            : """
            receiver_key = "central.jwk"
            acknowledgement_key = "central-sign.jwk"
            """
    }

    /// The revocation list of a municipality, the cards' own if nothing else is said.
    /// - Parameter age: hours since its thisUpdate.
    package func list(age: Double = 1, revoked: [[UInt8]] = [], number: Int = 1, city: String = "Kiyose-shi") throws
        -> [UInt8]
    {
        let thisUpdate = now - Int64(age * 3_600)
        var list = TestRevocationList(issuers.authority, thisUpdate: thisUpdate, nextUpdate: thisUpdate + 36 * 3_600)
        list.number = number
        list.scope = TestAuthority.distributionPoint(city)
        list.onlyUserCertificates = true
        list.entries = revoked.map { TestRevocationList.Entry(serial: $0, date: thisUpdate - 3_600, reason: 1) }
        return try list.signed(by: issuers.authority)
    }

    /// Puts it where the kiosk looks for it, as a mirror does: written beside, then renamed.
    package func writeList(age: Double = 1, revoked: [[UInt8]] = [], number: Int = 1, city: String = "Kiyose-shi")
        throws
    {
        let name = "crl/\(city.lowercased()).crl"
        try write(".list.new", list(age: age, revoked: revoked, number: number, city: city))
        guard rename("\(path)/.list.new", "\(path)/\(name)") == 0 else {
            throw ChildProcess.Failed(description: "\(name) cannot be written")
        }
    }

    /// A registration in the form that `kazashi registration import` takes.
    package func record(of card: IssuedCard, ppid: String, withCardKey: Bool = false, serviceID: String? = nil)
        -> [String: Any]
    {
        let date = card.holder.birthDate
        let month = date.dropFirst(4)
        var record: [String: Any] = [
            "certificate": String(decoding: PEM.encode(card.certificate, label: "CERTIFICATE"), as: UTF8.self),
            "ppid": ["central": ppid],
            "birth_date": "\(date.prefix(4))-\(month.prefix(2))-\(month.dropFirst(2))",
        ]
        if withCardKey {
            record["card_key"] = Data(CertificateBuilder.publicKeyInfo(card.cardKey.publicKey)).base64EncodedString()
        }
        if let serviceID { record["service_ids"] = ["central": serviceID] }
        return record
    }

    @discardableResult
    package func writeJSON(_ name: String, _ value: Any) throws -> String {
        try write(name, Array(try JSONSerialization.data(withJSONObject: value)))
    }

    /// The library's desk for this kiosk.
    /// - Parameters:
    ///   - file: nil: in memory.
    ///   - signer: the kiosk's key where it is one of its own; nil: the pilot's.
    package func desk(suite: String = "nested", file: String? = nil, signer: PublicJWK? = nil) throws -> Recipient {
        if suite == "direct" {
            let kiosk = KnownKiosk(id: Self.kioskID, key: .shared(sharedKey))
            return try Recipient(
                verifier: TokenVerifier(audience: Self.audience, kiosks: [kiosk]), acknowledger: .shared, file: file,
                now: systemTime)
        }
        let kiosk = KnownKiosk(id: Self.kioskID, key: signer ?? kioskKey.publicJWK)
        return try Recipient(
            verifier: TokenVerifier(audience: Self.audience, keys: [libraryKey], kiosks: [kiosk]),
            acknowledger: .signing(acknowledgementKey), file: file, now: systemTime)
    }

    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(filePath: file))
        chmod(file, mode)
        return file
    }
}
