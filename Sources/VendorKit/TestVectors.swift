internal import Desk

internal import SecurityEvents
internal import Cryptography
internal import Foundation
internal import JOSE
internal import Synchronization

/// What a vendor needs to prove a receiver: keys made now, good tokens, one bad token for each check with the `err` that
/// it must get, the schema of the claims, and a receiver to start from.
package struct TestVectors: Sendable {
    /// One token, to be given to a receiver in the order of the list.
    package struct Vector: Codable, Sendable {
        package let name: String
        /// The receiver's configuration: a file of the folder.
        package let config: String
        /// The receiver's clock, seconds since 1970.
        package let now: Int64
        package let token: String
        /// `accepted`, `duplicate`, or the `err`.
        package let expect: String
    }

    static let now: Int64 = 1_795_285_200
    static let audience = "https://ils.example"
    static let kioskID = "kiosk-07.lib.example"

    package private(set) var vectors: [Vector] = []
    let kiosk, stranger, library: SigningKey
    private let disabled, acknowledgement: SigningKey
    let shared: SharedKey
    /// The same key, for what no kiosk would seal.
    let sharedSecret: SecretBytes
    private let sharedDisabled: SharedKey

    package init() throws {
        func key() throws -> SigningKey { SigningKey(try P256PrivateKey.generate()) }
        (kiosk, disabled, library, acknowledgement, stranger) = (try key(), try key(), try key(), try key(), try key())
        sharedSecret = try SecureRandom.shared.secret(32)
        (shared, sharedDisabled) = (try SharedKey(sharedSecret), try SharedKey.generate())
        for suite in [Suite.nested, .direct] {
            try addGood(suite)
            try addBadClaims(suite)
            try addBadTokens(suite)
            try addForms(suite)
            try addHeaders(suite)
            try addClaims(suite)
        }
        try addSignedTokens()
    }

    /// Writes everything into `folder`, which is made.
    package func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func write(_ name: String, _ data: Data) throws { try data.write(to: URL(filePath: "\(folder)/\(name)")) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write("vectors.json", try encoder.encode(vectors))
        try write("nested.json", Data(try configuration(.nested).utf8))
        try write("direct.json", Data(try configuration(.direct).utf8))
        try write("claims.schema.json", Data(PackageResources.claims_schema_json))
        try write("receiver.py", Data(PackageResources.receiver_py))
    }

    /// A desk of ours with the same keys.
    func desk(_ config: String, now: @escaping @Sendable () -> Int64) throws -> Recipient {
        let isDirect = config == Suite.direct.config
        let keys: [(String, KnownKiosk.Key, Bool)] =
            isDirect
            ? [(Self.kioskID, .shared(shared), false), ("kiosk-08.lib.example", .shared(sharedDisabled), true)]
            : [
                (Self.kioskID, .signing(kiosk.publicJWK), false),
                ("kiosk-08.lib.example", .signing(disabled.publicJWK), true),
            ]
        return try Recipient(
            verifier: TokenVerifier(
                audience: Self.audience, keys: isDirect ? [] : [library],
                kiosks: keys.map { KnownKiosk(id: $0, key: $1, isDisabled: $2) }), now: now)
    }

    /// The vectors that a desk of ours does not answer as it must: none.
    package func failures() async throws -> [String] {
        let clock = Clock()
        var desks: [String: Recipient] = [:]
        var failures: [String] = []
        for vector in vectors {
            let desk = try desks[vector.config] ?? desk(vector.config) { clock.now }
            desks[vector.config] = desk
            clock.set(vector.now)
            let result: String
            switch try await desk.receive(Array(vector.token.utf8)).result {
            case .success(let event): result = event.isDuplicate ? "duplicate" : "accepted"
            case .failure(let error): result = error.rawValue
            }
            if result != vector.expect { failures.append("\(vector.name): \(result), not \(vector.expect)") }
        }
        return failures
    }

    private final class Clock: Sendable {
        private let time = Mutex<Int64>(0)
        var now: Int64 { time.withLock { $0 } }
        func set(_ now: Int64) { time.withLock { $0 = now } }
    }

    // MARK: Making them

    enum Suite: String {
        case nested, direct
        var config: String { rawValue + ".json" }
    }

    private func configuration(_ suite: Suite) throws -> String {
        func kiosk(_ id: String, _ key: String, _ isDisabled: Bool) -> String {
            #"{"id": "\#(id)", "key": \#(key), "disabled": \#(isDisabled)}"#
        }
        switch suite {
        case .nested:
            return #"""
                {"audience": "\#(Self.audience)", "suite": "nested",
                 "keys": [\#(library.secretJSON)],
                 "sign": \#(acknowledgement.secretJSON),
                 "kiosks": [
                   \#(kiosk(Self.kioskID, self.kiosk.publicJWK.json, false)),
                   \#(kiosk("kiosk-08.lib.example", disabled.publicJWK.json, true))]}

                """#
        case .direct:
            return #"""
                {"audience": "\#(Self.audience)", "suite": "direct",
                 "kiosks": [
                   \#(kiosk(Self.kioskID, shared.secretJSON, false)),
                   \#(kiosk("kiosk-08.lib.example", sharedDisabled.secretJSON, true))]}

                """#
        }
    }

    func claims(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> [UInt8] {
        var members: [String: Any] = [
            "iss": Self.kioskID, "aud": Self.audience, "iat": Self.now, "toe": Self.now - 1,
            "jti": try TokenID().text,
            "sub_id": ["format": "iss_sub", "iss": "https://mkpf.example", "sub": "PPID-TEST-0001"],
            "events": ["urn:kazashi:presented": ["service_id": "20260000000017"]],
        ]
        change(&members)
        return Array(
            try JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes]))
    }

    func seal(_ payload: [UInt8], _ suite: Suite, type: String = EventClaims.type) throws -> [UInt8] {
        switch suite {
        case .nested: try envelope(JWS.sign(payload, type: type, key: kiosk))
        case .direct: try shared.seal(payload, type: type)
        }
    }

    func envelope(_ inner: [UInt8], for key: SigningKey? = nil) throws -> [UInt8] {
        try PreparedAgreement(with: (key ?? library).publicJWK).seal(inner)
    }

    mutating func add(_ name: String, _ suite: Suite, _ token: [UInt8], at now: Int64 = now, _ expect: String) {
        vectors.append(
            Vector(
                name: "\(suite.rawValue): \(name)", config: suite.config, now: now,
                token: String(decoding: token, as: UTF8.self), expect: expect))
    }

    private mutating func addGood(_ suite: Suite) throws {
        let presented = try seal(claims(), suite)
        add("presented", suite, presented, "accepted")
        add("presented again within its window", suite, presented, at: Self.now + 10, "duplicate")
        let same = try seal(
            claims {
                $0["jti"] = "AAAAAAAAAAAAAAAAAAAAAA"
                $0["sub_id"] = nil
            }, suite)
        add("a number", suite, try seal(claims { $0["jti"] = "AAAAAAAAAAAAAAAAAAAAAA" }, suite), "accepted")
        add("the same number, and an event that does not read: the same answer", suite, same, "duplicate")
        add("presented, held back for eleven seconds", suite, presented, at: Self.now + 11, "stale_iat")
        add("presented, signed five seconds ahead", suite, try seal(claims(), suite), at: Self.now - 5, "accepted")
        for event in ["registered", "suspended", "removed", "attributes-changed"] {
            let token = try seal(claims { $0["events"] = ["urn:kazashi:\(event)": [String: String]()] }, suite)
            add(event, suite, token, at: Self.now + 60, "accepted")
        }
        let replaced = ["urn:kazashi:replaced": ["previous": "PPID-TEST-0000"]]
        add("replaced", suite, try seal(claims { $0["events"] = replaced }, suite), "accepted")
        let (shown, unseen) = (try TokenID().text, try TokenID().text)
        func about(_ uri: String, _ members: [String: String]) throws -> [UInt8] {
            try seal(
                claims {
                    $0["sub_id"] = nil
                    $0["events"] = [uri: members]
                }, suite)
        }
        add("presented, to be ended", suite, try seal(claims { $0["jti"] = shown }, suite), "accepted")
        add("presence-ended", suite, try about("urn:kazashi:presence-ended", ["jti": shown]), "accepted")
        add("withdrawn before it came", suite, try about("urn:kazashi:withdrawn", ["jti": unseen]), "accepted")
        add("what was withdrawn", suite, try seal(claims { $0["jti"] = unseen }, suite), "duplicate")
        let taken = try TokenID().text
        let doubtful = try seal(claims { $0["jti"] = taken }, suite)
        add("presented, to be withdrawn", suite, doubtful, "accepted")
        add("withdrawn after it came", suite, try about("urn:kazashi:withdrawn", ["jti": taken]), "accepted")
        add("what was withdrawn, once more", suite, doubtful, "duplicate")
        add("out-of-service", suite, try about("urn:kazashi:out-of-service", ["cause": "revocation"]), "accepted")
        add("card-left", suite, try about("urn:kazashi:card-left", [:]), "accepted")
    }

    private mutating func addBadClaims(_ suite: Suite) throws {
        let subject = ["format": "iss_sub", "iss": "https://mkpf.example", "sub": "PPID-TEST-0001"]
        let changes: [(String, (inout [String: Any]) -> Void, PushError)] = [
            ("another kiosk's name under this key", { $0["iss"] = "kiosk-08.lib.example" }, .invalidIssuer),
            ("another audience", { $0["aud"] = "https://other.example" }, .invalidAudience),
            ("a list of audiences", { $0["aud"] = [Self.audience] }, .invalidRequest),
            ("signed six seconds ahead", { $0["iat"] = Self.now + 6 }, .staleIssueTime),
            ("signed eleven seconds ago", { $0["iat"] = Self.now - 11 }, .staleIssueTime),
            ("an event that nobody knows", { $0["events"] = ["urn:kazashi:unheard-of": [:]] }, .invalidRequest),
            (
                "two events", { $0["events"] = ["urn:kazashi:presented": [:], "urn:kazashi:removed": [:]] },
                .invalidRequest
            ),
            ("a subject without its issuer", { $0["sub_id"] = ["format": "iss_sub", "sub": "P"] }, .invalidRequest),
            (
                "a subject with a fourth member", { $0["sub_id"] = subject.merging(["uri": "x"]) { $1 } },
                .invalidRequest
            ),
            (
                "a subject of another form", { $0["sub_id"] = subject.merging(["format": "opaque"]) { $1 } },
                .invalidRequest
            ),
            ("no subject", { $0["sub_id"] = nil }, .invalidRequest),
            ("sub", { $0["sub"] = "PPID-TEST-0001" }, .invalidRequest),
            ("exp", { $0["exp"] = Self.now + 60 }, .invalidRequest),
            ("a jti that is too short", { $0["jti"] = "abc" }, .invalidRequest),
        ]
        for (name, change, error) in changes { add(name, suite, try seal(claims(change), suite), error.rawValue) }
    }

    private mutating func addBadTokens(_ suite: Suite) throws {
        let good = try seal(claims(), suite)
        add("not a token", suite, Array("hello".utf8), "invalid_request")
        // More than a receiver takes, and good otherwise.
        let long = try seal(claims { $0["more"] = String(repeating: "x", count: 1_000) }, suite)
        add("more than 1452 bytes", suite, long, "invalid_request")
        add("cut off", suite, Array(good.dropLast(30)), "invalid_request")
        var altered = good
        altered[good.count - 40] = altered[good.count - 40] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        add("an altered byte", suite, altered, "invalid_key")
        add("another type", suite, try seal(claims(), suite, type: "JWT"), "invalid_request")
        switch suite {
        case .nested:
            let inner = try JWS.sign(claims(), type: EventClaims.type, key: kiosk)
            add("sealed for somebody else", suite, try envelope(inner, for: stranger), "invalid_key")
            let unknown = try JWS.sign(claims(), type: EventClaims.type, key: stranger)
            add("signed by a kiosk that is not known", suite, try envelope(unknown), "invalid_key")
            let impostor = SigningKey(stranger.key, keyID: kiosk.keyID)
            let forged = try JWS.sign(claims(), type: EventClaims.type, key: impostor)
            add("another key under the kiosk's kid", suite, try envelope(forged), "authentication_failed")
            add("signed, but not sealed", suite, inner, "invalid_request")
            let blocked = try JWS.sign(
                claims { $0["iss"] = "kiosk-08.lib.example" }, type: EventClaims.type, key: disabled)
            add("a kiosk that was disabled", suite, try envelope(blocked), "access_denied")
        case .direct:
            add(
                "a key that is not known", suite, try SharedKey.generate().seal(claims(), type: EventClaims.type),
                "invalid_key")
            let impostor = try SharedKey(SecureRandom.shared.secret(32), keyID: shared.keyID)
            add(
                "another key under the same kid", suite, try impostor.seal(claims(), type: EventClaims.type),
                "invalid_key")
            add(
                "an acknowledgement, sent back", suite,
                try Acknowledgement(iss: Self.audience, aud: Self.kioskID, iat: Self.now, jti: TokenID()).sealed(
                    under: shared),
                "invalid_request")
            let blocked = try sharedDisabled.seal(
                claims { $0["iss"] = "kiosk-08.lib.example" }, type: EventClaims.type)
            add("a kiosk that was disabled", suite, blocked, "access_denied")
        }
    }
}
