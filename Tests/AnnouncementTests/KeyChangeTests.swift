@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import Testing

/// A library's new keys are picked up from its files over the channels where no answer can be believed without them.
@Suite(.timeLimit(.minutes(2))) struct KeyChangeTests {
    private let folder: String
    private let (old, new): (Pair.Keys, Pair.Keys)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-keys-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        (old, new) = (try Pair.Keys(), try Pair.Keys())
    }

    private var receiver: String { folder + "/central.jwk" }
    private var acknowledgement: String { folder + "/central-sign.jwk" }
    private var shared: String { folder + "/central-shared.jwk" }

    private func write(_ text: String, _ file: String, atomically: Bool = true) throws {
        try text.write(toFile: file, atomically: atomically, encoding: .utf8)
    }

    private func write(_ keys: Pair.Keys) throws {
        try write(keys.library.publicJWK.json, receiver)
        try write(keys.acknowledgement.publicJWK.json, acknowledgement)
        try write(keys.shared.secretJSON, shared)
    }

    private func read(_ form: Pair.Form) -> Suite? {
        func bytes(_ file: String) -> [UInt8] { (try? Data(contentsOf: URL(filePath: file))).map { Array($0) } ?? [] }
        switch form {
        case .direct: return (try? SharedKey.parse(bytes(shared))).map { .direct($0) }
        case .nested:
            guard let sealing = try? PublicJWK.parse(bytes(receiver), for: .sealing), let first = sealing.first,
                let verifying = try? PublicJWK.parse(bytes(acknowledgement), for: .verifying)
            else { return nil }
            return .nested(receiver: first, acknowledgers: verifying)
        }
    }

    private func announcer(_ endpoint: Endpoint, _ form: Pair.Form) throws -> Announcer {
        Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: endpoint, suite: try #require(read(form)),
                    keyFiles: form == .direct ? [shared] : [receiver, acknowledgement], reread: { read(form) })
            ], keys: new)
    }

    private func push(_ announcer: Announcer, within limit: Duration = .seconds(20)) async throws -> Delivery {
        await announcer.deliver(
            try await announcer.seal([Pair.statement()], tapped: Int64(time(nil))), deadline: .now + limit)
    }

    @Test(
        "New keys count from the next tap on, over UDP and plain HTTP; a file that can't be used leaves the good ones",
        arguments: Pair.Form.allCases, [false, true])
    func changed(form: Pair.Form, isPlainHTTP: Bool) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(old)
        let desk = try new.desk(form)
        let server = try PushServer(desk: desk, acknowledges: true)
        let datagrams = try DatagramServer(desk: desk, address: "127.0.0.1")
        let port = try await server.start()
        let announcer = try announcer(
            isPlainHTTP
                ? .plainHTTP(url: "http://127.0.0.1:\(port)/events") : .udp(host: "127.0.0.1", port: datagrams.port),
            form)
        await announcer.prepare()
        #expect(try await push(announcer, within: .milliseconds(400)) == .unreachable, "the desk has other keys")
        try write(new)
        #expect(try await push(announcer) == .acknowledged)
        for file in [receiver, acknowledgement, shared] {
            let whole = try String(contentsOfFile: file, encoding: .utf8)
            for text in [String(whole.prefix(40)), "", "{}"] {
                try write(text, file, atomically: false)
                #expect(try await push(announcer) == .acknowledged, "\(text)")
            }
            try FileManager.default.removeItem(atPath: file)
            #expect(try await push(announcer) == .acknowledged, "gone")
            try write(whole, file)
        }
        await server.stop()
        datagrams.stop()
    }

    @Test("A new key under the old one's name is another key, prepared tokens included")
    func sameName() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(old)
        try write(PublicJWK(key: old.library.key.publicKey, keyID: "central").json, receiver)
        let desk = try Recipient(
            verifier: TokenVerifier(
                audience: Pair.audience, keys: [SigningKey(new.library.key, keyID: "central")],
                kiosks: [KnownKiosk(id: Pair.kiosk, key: new.kiosk.publicJWK)]),
            acknowledger: .signing(new.acknowledgement), now: { Int64(time(nil)) })
        let datagrams = try DatagramServer(desk: desk, address: "127.0.0.1")
        let announcer = try announcer(.udp(host: "127.0.0.1", port: datagrams.port), .nested)
        await announcer.prepare()
        try write(new)
        try write(PublicJWK(key: new.library.key.publicKey, keyID: "central").json, receiver)
        #expect(try await push(announcer) == .acknowledged)
        datagrams.stop()
        // Over HTTP the library says that it can't open it, and gets it sealed for the other one.
        let server = try PushServer(desk: desk)
        let (first, second) = (
            PublicJWK(key: old.library.key.publicKey, keyID: "central"),
            PublicJWK(key: new.library.key.publicKey, keyID: "central")
        )
        let library = Library(
            name: "central", audience: Pair.audience,
            endpoint: .loopback(url: "http://127.0.0.1:\(try await server.start())/events"),
            suite: .nested(receiver: first, others: [second]))
        #expect(try await push(Pair.announcer([library], keys: new)) == .acknowledged)
        await server.stop()
    }

    @Test(
        "An acknowledgement under a key that came while the token was on its way counts, and one under the key before")
    func onItsWay() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for signing in [new.acknowledgement, old.acknowledgement] {
            try write(old)
            try write(new.library.publicJWK.json, receiver)
            let next = new.acknowledgement.publicJWK.json
            let (file, keys) = (acknowledgement, new)
            let datagrams = try ScriptedDatagrams { datagram, _ in
                try? next.write(toFile: file, atomically: true, encoding: .utf8)
                guard let token = try? UnopenedJWE(datagram).opened(with: keys.library.key).withBytes({ Array($0) }),
                    let payload = try? UnverifiedJWS(token).verified(under: keys.kiosk.key.publicKey),
                    let claims = try? payload.withUnsafeBytes({ try ReceivedClaims(json: $0) }),
                    let answer = try? Acknowledgement(
                        iss: Pair.audience, aud: Pair.kiosk, iat: Int64(time(nil)), jti: claims.jti
                    ).signed(by: signing)
                else { return [] }
                return [answer]
            }
            #expect(
                try await push(announcer(.udp(host: "127.0.0.1", port: datagrams.port), .nested)) == .acknowledged)
            datagrams.stop()
        }
    }

    @Test("Two acknowledgement keys of one name are both tried")
    func twoOfOneName() throws {
        let keys = [old, new].map { PublicJWK(key: $0.acknowledgement.key.publicKey, keyID: "sign") }
        let jti = try TokenID()
        let token = try Acknowledgement(iss: Pair.audience, aud: Pair.kiosk, iat: 100, jti: jti)
            .signed(by: SigningKey(new.acknowledgement.key, keyID: "sign"))
        let verified = try VerifiedAcknowledgement(token, keys: .signed(keys))
        #expect(
            verified.answer(about: jti, from: Pair.audience, to: Pair.kiosk, signed: 100, now: 100) == .taken)
        #expect(throws: JOSEError.signature) { try VerifiedAcknowledgement(token, keys: .signed([keys[0]])) }
    }
}
