import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import ReceiverAttacks
import SecurityEvents
import TestRig
import Testing
import VendorKit

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
    /// Made once: hundreds of agreements and signatures would keep other tests' deadlines waiting.
    private static let made = Result { try TestVectors() }

    init() {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-vendor-\(UUID().uuidString)").path()
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    @Test("Our desk and the Python receiver answer every vector as it must be answered")
    func vectors() async throws {
        defer { remove() }
        let vectors = try Self.made.get()
        #expect(try await vectors.failures() == [])
        // Each name of a refusal is asked for, and each outcome that is none.
        let expected = Set(vectors.vectors.map(\.expect))
        #expect(expected == Set(PushError.allCases.map(\.rawValue)).union(["accepted", "duplicate"]))
        try vectors.write(to: folder)
        let result = try await ChildProcess.run(python, [folder + "/receiver.py", "--check", folder])
        #expect(result.code == 0, "\(result.output)\(result.error)")
        #expect(result.output.contains("\(vectors.vectors.count) vectors, 0 wrong"))
        // No pseudonym in what it prints, and nothing went wrong that an exception had to end.
        #expect(!(result.output + result.error).contains("PPID") && result.error.isEmpty)
    }

    @Test(
        "A receiver without a key to sign with acts and answers over TLS, and refuses to serve UDP; a vector opens nothing"
    )
    func withoutSigningKey() async throws {
        defer { remove() }
        try Self.made.get().write(to: folder)
        let words = """
            import json, sys
            sys.path.insert(0, sys.argv[1])
            import receiver
            vector = next(v for v in json.load(open(sys.argv[1] + "/vectors.json"))
                          if v["expect"] == "accepted" and v["config"] == "nested.json")
            config = json.load(open(sys.argv[1] + "/nested.json"))
            del config["sign"]
            receiver.time.time = lambda: vector["now"]
            acted = []
            receiver.act = lambda claims, kiosk, database: acted.append(claims["jti"])
            answers = [receiver.Receiver(config).answer(vector["token"].encode()) for _ in range(1)]
            print(answers, len(acted))
            quiet = receiver.Receiver(config, acts=False)
            print(quiet.answer(vector["token"].encode())[0], len(acted))
            json.dump(config, open(sys.argv[1] + "/unsigned.json", "w"))
            """
        let result = try await ChildProcess.run(python, ["-c", words, folder])
        #expect(result.output == "[(202, None, None)] 1\n202 1\n", "\(result)")
        let served = try await ChildProcess.run(
            python, [folder + "/receiver.py", folder + "/unsigned.json", "--udp", "0", "--replays", folder + "/r"])
        #expect(served.code == 2 && served.error.contains("sign"), "\(served)")
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
            // Each of these stood between a stranger and what a library does with his bytes.
            (#"if data.count(b"{") + data.count(b"[") > 16:"#, "if False:"),
            ("if len(members) != len(pairs):", "if False:"),
            ("if type(value) is not dict or not is_plain(value):", "if type(value) is not dict:"),
            ("return not UNPRINTABLE.search(value)", "return True"),
            (#"if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:"#, "if False:"),
            (#"if "alg" not in header or any("#, #"if "alg" not in header or False and any("#),
            ("if epk is None or epk.keys() != POINT:", "if epk is None:"),
            (#"or not header.keys() <= HEADERS[self.suite]:"#, "or False:"),
            (#"or not header.keys() <= HEADERS["signed"]:"#, "or False:"),
            (#"if not is_jti(claims["jti"]) or"#, #"if len(claims["jti"]) != 22 or"#),
            (
                #"if not (0 <= claims["iat"] <= LAST_SECOND and 0 <= claims["toe"] <= LAST_SECOND):"#,
                #"if not 0 <= claims["iat"] <= LAST_SECOND:"#
            ),
            (
                #"if not (0 <= claims["iat"] <= LAST_SECOND and 0 <= claims["toe"] <= LAST_SECOND):"#,
                #"if not 0 <= claims["toe"] <= LAST_SECOND:"#
            ),
            ("return type(value) is int and -2**63 <= value < 2**63", "return isinstance(value, (int, float))"),
            (#"if not all(map(is_strings, claims["events"].values())) or"#, "if"),
        ])
    func mutated(old: String, new: String) async throws {
        defer { remove() }
        try Self.made.get().write(to: folder)
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
        try Self.made.get().write(to: folder)
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
            first.replacing(jti.text, with: "short"), first.replacing(jti.text, with: "AAAAAAAAAAAAAAAAAAAAAB"),
            first.replacing(#""toe":1"#, with: #""toe":-1"#),
            first.replacing(#""toe":1"#, with: #""toe":253402300800"#),
            first.replacing(#""toe":1"#, with: #""toe":true"#),
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
        _ configuration: String, _ body: (_ http: UInt16, _ udp: UInt16, ChildProcess) async throws -> Void
    ) async throws {
        let receiver = try ChildProcess(
            python,
            [
                folder + "/receiver.py", "\(folder)/\(configuration)", "--address", "0.0.0.0", "--http", "0", "--udp",
                "0", "--replays", folder + "/replays.sqlite",
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
        try Self.made.get().write(to: folder)
        let site = try Site(suite)
        try site.configuration.write(toFile: "\(folder)/live.json", atomically: true, encoding: .utf8)
        func transmitter(_ endpoint: Endpoint) -> Transmitter { site.transmitter(endpoint) }
        let event = Site.event
        var token: SealedToken?
        try await withReceiver("live.json") { http, udp, receiver in
            for endpoint in [
                Endpoint.loopback(url: "http://127.0.0.1:\(http)/events"),
                .plainHTTP(url: "http://127.0.0.1:\(http)/events"), .udp(host: "127.0.0.1", port: udp),
                // It answers from whichever of its addresses was asked.
                .udp(host: "127.0.0.2", port: udp),
            ] {
                let sender = transmitter(endpoint)
                let sealed = try await sender.seal(event, jti: TokenID(), toe: Int64(time(nil)))
                #expect(await sender.push(sealed, deadline: .now + .seconds(10)) == .acknowledged)
                token = sealed
            }
        }
        let sealed = try #require(token)
        try await withReceiver("live.json") { http, _, receiver in
            let again = transmitter(.loopback(url: "http://127.0.0.1:\(http)/events"))
            // Answered as if it were new (within its window, else by name), and not acted on.
            let delivery = await again.push(sealed, deadline: .now + .seconds(10))
            #expect([.acknowledged, .refused(.invalidRequest)].contains(delivery))
            #expect(!receiver.standardOutput.contains("presented"), "a replay was acted on")
            #expect(!(receiver.standardOutput + receiver.standardError).contains("PPID-SECRET"))
        }
    }

    /// Makes the receiver's action fail the first time.
    private func breakAction() throws {
        let file = folder + "/receiver.py"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let action = "    print(next(iter(claims[\"events\"])), \"from\""
        try #require(text.contains(action))
        let failing = """
                database.execute("CREATE TABLE IF NOT EXISTS sessions (jti)")
                database.execute("INSERT INTO sessions VALUES (?)", (claims["jti"],))
                if not os.path.exists("\(folder)/failed"):
                    open("\(folder)/failed", "w").close()
                    raise RuntimeError(claims["sub_id"]["sub"])

            """
        try text.replacing(action, with: failing + action).write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test(
        "An action that fails is not acknowledged: the kiosk tries again, and it is done once",
        arguments: ["http", "udp"])
    func failedAction(channel: String) async throws {
        defer { remove() }
        try Self.made.get().write(to: folder)
        try breakAction()
        let site = try Site("nested")
        try site.configuration.write(toFile: "\(folder)/live.json", atomically: true, encoding: .utf8)
        try await withReceiver("live.json") { http, udp, receiver in
            let sender = site.transmitter(
                channel == "udp" ? .udp(host: "127.0.0.1", port: udp) : .plainHTTP(url: "http://127.0.0.1:\(http)/"))
            let token = try await sender.seal(Site.event, jti: TokenID(), toe: Int64(time(nil)))
            #expect(await sender.push(token, deadline: .now + .seconds(10)) == .acknowledged)
            for await line in receiver.lines where line.contains("presented") { break }
            // Done now, and not twice: what the failed action had written went with it.
            #expect(receiver.standardOutput.split(separator: "\n").filter { $0.contains("presented") }.count == 1)
            let words = receiver.standardError
            #expect(words.contains("failed: RuntimeError") && !words.contains("PPID"), "\(words)")
            let kept = try await ChildProcess.run(
                python,
                [
                    "-c",
                    "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM sessions').fetchone())",
                    folder + "/replays.sqlite",
                ])
            #expect(kept.output == "1\n", "\(kept.error)")
            var status = stat()
            #expect(stat(folder + "/replays.sqlite", &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("Every bad vector, over UDP and HTTP, ends with itself, and within 64 MiB", arguments: ["nested", "direct"])
    func survives(suite: String) async throws {
        defer { remove() }
        let vectors = try Self.made.get()
        try vectors.write(to: folder)
        try await withReceiver("\(suite).json") { http, udp, receiver in
            let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            (address.sin_port, address.sin_addr.s_addr) = (udp.bigEndian, UInt32(0x7F00_0001).bigEndian)
            for vector in vectors.vectors where vector.config == "\(suite).json" {
                let bytes = Array(vector.token.utf8)
                _ = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(socket, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
                // All of them are years off the clock that it has now, so none is taken.
                let connection = try RawConnection(port: http)
                connection.send(HTTPAttacks.request(bytes))
                let answer = try #require(await connection.answer())
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(vector.name): \(answer.prefix(80))")
            }
            // Datagrams are looked at one after the other: an answer to the last one tells of all.
            if suite == "direct" {
                struct Configuration: Decodable {
                    struct Kiosk: Decodable { let key: [String: String] }
                    let kiosks: [Kiosk]
                }
                let file = try Data(contentsOf: URL(filePath: "\(folder)/direct.json"))
                let key = try #require(try JSONDecoder().decode(Configuration.self, from: file).kiosks.first?.key)
                let shared = try SharedKey.parse(Array(JSONSerialization.data(withJSONObject: key)))
                let sender = Transmitter(
                    Library(
                        name: "l", audience: "https://ils.example", endpoint: .udp(host: "127.0.0.1", port: udp),
                        suite: .direct(shared)), kiosk: "kiosk-07.lib.example",
                    signingKey: SigningKey(try P256PrivateKey.generate()), http: CurlClient(),
                    now: { Int64(time(nil)) })
                let token = try await sender.seal(Site.event, jti: TokenID(), toe: Int64(time(nil)))
                #expect(await sender.push(token, deadline: .now + .seconds(10)) == .acknowledged)
            }
            let status = try String(contentsOfFile: "/proc/\(receiver.pid)/status", encoding: .utf8)
            let most = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) })
            #expect(most < 64 << 10, "\(most) kB")
            #expect(receiver.standardError.isEmpty, "\(receiver.standardError)")
        }
    }

    @Test("HTTP that is none, or could be read in two ways, is refused; slow connections keep no kiosk out")
    func attacks() async throws {
        defer { remove() }
        try Self.made.get().write(to: folder)
        let site = try Site("direct")
        try site.configuration.write(toFile: "\(folder)/live.json", atomically: true, encoding: .utf8)
        try await withReceiver("live.json") { http, _, receiver in
            try await HTTPAttacks(token: site.token).prove(on: http, site, keepsConnections: false)
            let status = try String(contentsOfFile: "/proc/\(receiver.pid)/status", encoding: .utf8)
            let most = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) })
            #expect(most < 64 << 10, "\(most) kB")
            let threads = try #require(status.firstMatch(of: /Threads:\s+(\d+)/).flatMap { Int($0.1) })
            #expect(threads < 40)
            #expect(receiver.standardError.isEmpty, "\(receiver.standardError)")
        }
    }
}
