import Announcement
import Cryptography
import Foundation
import Glibc
import HTTPClient
import JOSE
import Laboratory
import LibraryDesk
import Testing

/// Debian's Python with jwcrypto: an implementation that shares nothing with ours.
private let python = "/usr/bin/python3"
private let hasPython =
    access(python, X_OK) == 0 && access("/usr/lib/python3/dist-packages/jwcrypto", R_OK) == 0
    && access("/usr/lib/python3/dist-packages/jsonschema", R_OK) == 0

@Suite(
    "What vendors get", .timeLimit(.minutes(3)),
    .enabled(if: hasPython, "needs Debian's python3-jwcrypto and python3-jsonschema; board/requirements installs them"))
struct VendorTests {
    private let folder: String

    init() {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-vendor-\(UUID().uuidString)").path()
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    @Test("Our desk and the Python receiver answer every vector as it must be answered")
    func vectors() async throws {
        defer { remove() }
        let vectors = try TestVectors()
        #expect(try await vectors.failures() == [])
        // Each name of a refusal is asked for, and each outcome that is none.
        let expected = Set(vectors.vectors.map(\.expect))
        #expect(expected == Set(PushError.allCases.map(\.rawValue)).union(["accepted", "duplicate"]))
        try vectors.write(to: folder)
        let result = try await ChildProcess.run(python, [folder + "/receiver.py", "--check", folder])
        #expect(result.code == 0, "\(result.output)\(result.error)")
        #expect(result.output.contains("\(vectors.vectors.count) vectors, 0 wrong"))
        // No pseudonym in what it prints.
        #expect(!(result.output + result.error).contains("PPID"))
    }

    @Test(
        "A receiver that skips a check is found out by the vectors",
        arguments: [
            (#"if claims["aud"] != self.audience:"#, "if False:"),
            ("if len(token) > MOST_BYTES:", "if False:"),
            (#"if typ != "secevent+jwt":"#, "if False:"),
            (#"if not -ahead <= now - claims["iat"] <= behind:"#, "if False:"),
            (#"if kiosk.get("disabled"):"#, "if False:"),
            ("signed.verify(kiosk[\"key\"])", "signed.objects[\"valid\"] = True"),
            (#"return None if good and subject["sub"] else "invalid_request""#, "return None"),
            (#"if claims["iss"] != kiosk["id"]:"#, "if False:"),
        ])
    func mutated(old: String, new: String) async throws {
        defer { remove() }
        try TestVectors().write(to: folder)
        let file = folder + "/receiver.py"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try #require(text.contains(old))
        try text.replacing(old, with: new).write(toFile: file, atomically: true, encoding: .utf8)
        let result = try await ChildProcess.run(python, [file, "--check", folder])
        #expect(result.code == 1, "\(result.output)\(result.error)")
    }

    @Test("The schema takes every event and nothing else")
    func schema() async throws {
        defer { remove() }
        try TestVectors().write(to: folder)
        let subject = SubjectIdentifier(issuer: "https://mkpf.example", subject: "PPID")
        let jti = try TokenID()
        let events: [SecurityEvent] = [
            .person(.presented(serviceID: nil), subject), .person(.presented(serviceID: .init("17")), subject),
            .person(.registered, subject), .person(.suspended, subject), .person(.removed, subject),
            .person(.attributesChanged, subject), .person(.replaced(previous: .init("OLD")), subject),
            .kiosk(.withdrawn(jti)), .kiosk(.presenceEnded(jti)), .kiosk(.outOfService(cause: "clock")),
            .kiosk(.cardLeft),
        ]
        let good = try events.map { event in
            let claims = EventClaims(iss: "kiosk", aud: "aud", iat: 1, toe: 1, jti: jti, event: event)
            return String(decoding: try claims.encoded(), as: UTF8.self)
        }
        let first = try #require(good.first)
        let bad = [
            "{}", first.replacing(#""aud":"aud""#, with: #""aud":["aud"]"#),
            first.replacing(#""format":"iss_sub""#, with: #""format":"opaque""#),
            first.replacing(#""iat":1"#, with: #""iat":"1""#), first.replacing(#""iat":1"#, with: #""exp":2,"iat":1"#),
            first.replacing("urn:kazashi:presented", with: "urn:kazashi:unheard-of"),
            first.replacing("urn:kazashi:presented", with: "urn:kazashi:card-left"),
            first.replacing(jti.text, with: "short"),
        ]
        for text in bad.dropFirst() { try #require(text != first) }
        let cases = try JSONSerialization.data(withJSONObject: ["good": good, "bad": bad])
        let script = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1])); cases = json.load(sys.stdin)
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            wrong = [c for c in cases["good"] if not validator.is_valid(json.loads(c))]
            wrong += [c for c in cases["bad"] if validator.is_valid(json.loads(c))]
            print(wrong); sys.exit(len(wrong))
            """
        let result = try await ChildProcess.run(
            python, ["-c", script, folder + "/claims.schema.json"], input: Array(cases))
        #expect(result.code == 0, "\(result.output)\(result.error)")
    }

    /// The Python receiver as its own process.
    private func withReceiver(
        _ suite: String, _ body: (_ http: UInt16, _ udp: UInt16, ChildProcess) async throws -> Void
    ) async throws {
        let receiver = try ChildProcess(
            python,
            [
                folder + "/receiver.py", "\(folder)/\(suite)-live.json", "--http", "0", "--udp", "0", "--replays",
                folder + "/replays.sqlite",
            ])
        var ports: [String: UInt16] = [:]
        for await line in receiver.lines {
            let words = line.split(separator: " ")
            if words.count == 2 { ports[String(words[0])] = UInt16(words[1]) }
            if ports.count == 2 { break }
        }
        let (http, udp) = (ports["http"] ?? 0, ports["udp"] ?? 0)
        try await body(http, udp, receiver)
        await receiver.stop()
    }

    @Test(
        "A kiosk of ours pushes to the Python receiver over HTTP and UDP; a replay after its restart is none",
        arguments: ["nested", "direct"])
    func live(suite: String) async throws {
        defer { remove() }
        try TestVectors().write(to: folder)
        func key() throws -> SigningKey { SigningKey(try P256PrivateKey.generate()) }
        let (kiosk, library, sign, shared) = (try key(), try key(), try key(), try SharedKey.generate())
        let kioskKey = suite == "direct" ? shared.secretJSON : kiosk.publicJWK.json
        let nested = #""keys": [\#(library.secretJSON)], "sign": \#(sign.secretJSON), "#
        let configuration =
            #"{"audience": "aud", "suite": "\#(suite)", "#
            + (suite == "nested" ? nested : "") + #""kiosks": [{"id": "kiosk", "key": \#(kioskKey)}]}"#
        try configuration.write(toFile: "\(folder)/\(suite)-live.json", atomically: true, encoding: .utf8)
        let form: Suite =
            suite == "direct"
            ? .direct(shared) : .nested(receiver: library.publicJWK, acknowledgers: [sign.publicJWK])
        func transmitter(_ endpoint: Endpoint) -> Transmitter {
            Transmitter(
                Library(name: "l", audience: "aud", endpoint: endpoint, suite: form), kiosk: "kiosk",
                signingKey: kiosk, http: CurlClient(), now: { Int64(time(nil)) })
        }
        let event = SecurityEvent.person(
            .presented(serviceID: nil), SubjectIdentifier(issuer: "https://mkpf.example", subject: "PPID-SECRET"))
        var token: SealedToken?
        try await withReceiver(suite) { http, udp, receiver in
            for endpoint in [
                Endpoint.loopback(url: "http://127.0.0.1:\(http)/events"),
                .plainHTTP(url: "http://127.0.0.1:\(http)/events"), .udp(host: "127.0.0.1", port: udp),
            ] {
                let sender = transmitter(endpoint)
                let sealed = try await sender.seal(event, jti: TokenID(), toe: Int64(time(nil)))
                #expect(await sender.push(sealed, deadline: .now + .seconds(10)) == .acknowledged)
                token = sealed
            }
        }
        let sealed = try #require(token)
        try await withReceiver(suite) { http, _, receiver in
            let again = transmitter(.loopback(url: "http://127.0.0.1:\(http)/events"))
            // Answered as if it were new (within its window, else by name), and not acted on.
            let delivery = await again.push(sealed, deadline: .now + .seconds(10))
            #expect([.acknowledged, .refused(.invalidRequest)].contains(delivery))
            #expect(!receiver.standardOutput.contains("presented"), "a replay was acted on")
            #expect(!(receiver.standardOutput + receiver.standardError).contains("PPID-SECRET"))
        }
    }
}
