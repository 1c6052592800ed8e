@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import TestRig
import Testing

/// José (Debian's `jose`), an implementation that shares nothing with ours, as the judge of our tokens in both directions.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: access("/usr/bin/jose", X_OK) == 0, "needs Debian's jose; board/requirements installs it"))
struct IndependentJOSETests {
    private let folder: String
    private let kiosk: SigningKey
    private let library: SigningKey
    private let shared: SharedKey

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-jose-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        kiosk = SigningKey(try P256PrivateKey.generate())
        library = SigningKey(try P256PrivateKey.generate())
        shared = try SharedKey.generate()
        try write("shared.jwk", shared.secretJSON)
        for (name, key) in [("kiosk", kiosk), ("library", library)] {
            try write("\(name).jwk", key.secretJSON)
            try write("\(name).pub.jwk", key.publicJWK.json)
        }
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: folder + "/" + name))
    }

    private func jose(_ arguments: String) async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run("/bin/sh", ["-c", "cd \(folder) && jose \(arguments)"])
    }

    @Test("José names our keys by the same thumbprint")
    func thumbprint() async throws {
        let result = try await jose("jwk thp -i kiosk.pub.jwk")
        #expect(result.output.trimmingCharacters(in: .whitespacesAndNewlines) == kiosk.keyID, "\(result.error)")
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("José opens and verifies a token of ours")
    func ours() async throws {
        let announcer = Announcer(
            kiosk: "kiosk", platform: "https://mkpf.example", signingKey: kiosk,
            libraries: [
                Library(
                    name: "l", audience: "aud", endpoint: .udp(host: "127.0.0.1", port: 9),
                    suite: .nested(receiver: library.publicJWK)),
                Library(
                    name: "d", audience: "aud", endpoint: .udp(host: "127.0.0.1", port: 9), suite: .direct(shared)),
            ], http: CurlClient(), now: { 1_795_285_200 })
        let sealed = try await announcer.seal(
            ["l", "d"].map { Statement(library: $0, ppid: Confidential("PPID-1"), serviceID: nil) },
            tapped: 1_795_285_199)
        let token = try #require(sealed.tokens.first)
        try write("token", String(decoding: token, as: UTF8.self))
        let result = try await jose(
            "jwe dec -i token -k library.jwk -O inner && jose jws ver -i inner -k kiosk.pub.jwk -O payload && cat \(folder)/payload"
        )
        #expect(result.code == 0, "\(result.error)")
        try write("direct", String(decoding: try #require(sealed.tokens.last), as: UTF8.self))
        let direct = try await jose("jwe dec -i direct -k shared.jwk -O payload && cat \(folder)/payload")
        #expect(direct.code == 0, "\(direct.error)")
        for output in [result.output, direct.output] {
            let claims = try #require(
                try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output)")
            #expect(Set(claims.keys) == ["iss", "aud", "iat", "toe", "jti", "sub_id", "events"])
            #expect((claims["sub_id"] as? [String: String])?["sub"] == "PPID-1")
        }
        // Another key opens nothing, and another kiosk signed nothing.
        #expect(try await jose("jwe dec -i token -k kiosk.jwk -O other").code != 0)
        #expect(try await jose("jws ver -i inner -k library.pub.jwk -O other").code != 0)
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("Our desk accepts a token that José made")
    func theirs() async throws {
        try write(
            "claims",
            #"{"iss":"kiosk","aud":"aud","iat":1795285200,"toe":1795285199,"jti":"AAAAAAAAAAAAAAAAAAAAAA","sub_id":{"format":"iss_sub","iss":"https://mkpf.example","sub":"PPID-2"},"events":{"urn:kazashi:presented":{}}}"#
        )
        try write("jws", #"{"protected":{"alg":"ES256","typ":"secevent+jwt","kid":"\#(kiosk.keyID)"}}"#)
        try write("jwe", #"{"protected":{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":"\#(library.keyID)"}}"#)
        let result = try await jose(
            "jws sig -I claims -s jws -k kiosk.jwk -c -o inner && jose jwe enc -I inner -i jwe -k library.pub.jwk -c -o token && cat \(folder)/token"
        )
        #expect(result.code == 0, "\(result.error)")
        let desk = try Recipient(
            verifier: TokenVerifier(
                audience: "aud", keys: [library], kiosks: [KnownKiosk(id: "kiosk", key: kiosk.publicJWK)]),
            now: { 1_795_285_200 })
        let token = Array(result.output.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
        #expect(try await desk.receive(token).result.get().event?.subject?.subject == "PPID-2")

        // RFC 7519 5.2 asks for exactly `cty: JWT`; and an algorithm of the token's own choice is none of ours.
        for header in [
            #""alg":"ECDH-ES","enc":"A256GCM","cty":"JOSE""#, #""alg":"ECDH-ES","enc":"A256GCM""#,
            #""alg":"ECDH-ES+A256KW","enc":"A256GCM","cty":"JWT""#, #""alg":"ECDH-ES","enc":"A128GCM","cty":"JWT""#,
        ] {
            try write("other", #"{"protected":{\#(header),"kid":"\#(library.keyID)"}}"#)
            let made = try await jose(
                "jwe enc -I inner -i other -k library.pub.jwk -c -o token && cat \(folder)/token")
            #expect(made.code == 0, "\(made.error)")
            let token = Array(made.output.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
            let answer = try await desk.receive(token).result
            guard case .failure(.invalidRequest) = answer else {
                Issue.record("\(header) was not refused by name")
                continue
            }
        }

        try write(
            "dir", #"{"protected":{"alg":"dir","enc":"A256GCM","typ":"secevent+jwt","kid":"\#(shared.keyID)"}}"#)
        let direct = try await jose("jwe enc -I claims -i dir -k shared.jwk -c -o token && cat \(folder)/token")
        #expect(direct.code == 0, "\(direct.error)")
        let directDesk = try Recipient(
            verifier: TokenVerifier(audience: "aud", kiosks: [KnownKiosk(id: "kiosk", key: .shared(shared))]),
            now: { 1_795_285_200 })
        let sealed = Array(direct.output.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
        #expect(try await directDesk.receive(sealed).result.get().event?.subject?.subject == "PPID-2")
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("José verifies our acknowledgements, and we its own")
    func acknowledgements() async throws {
        let jti = try TokenID()
        let ours = Acknowledgement(iss: "aud", aud: "kiosk", iat: 1_795_285_200, jti: jti)
        try write("ack", String(decoding: try ours.signed(by: library), as: UTF8.self))
        try write("ack.jwe", String(decoding: try ours.sealed(under: shared), as: UTF8.self))
        for check in ["jws ver -i ack -k library.pub.jwk -O payload", "jwe dec -i ack.jwe -k shared.jwk -O payload"] {
            let result = try await jose(check + " && cat \(folder)/payload")
            #expect(result.code == 0 && result.output.contains(jti.text), "\(result.error)")
        }
        try write("claims", #"{"iss":"aud","aud":"kiosk","iat":1795285200,"ack":["\#(jti.text)"]}"#)
        try write("jws", #"{"protected":{"alg":"ES256","typ":"kazashi-ack+jwt","kid":"\#(library.keyID)"}}"#)
        try write(
            "dir", #"{"protected":{"alg":"dir","enc":"A256GCM","typ":"kazashi-ack+jwt","kid":"\#(shared.keyID)"}}"#)
        for (make, keys) in [
            ("jws sig -I claims -s jws -k library.jwk -c -o out", AcknowledgementKeys.signed([library.publicJWK])),
            ("jwe enc -I claims -i dir -k shared.jwk -c -o out", .shared(shared)),
        ] {
            let result = try await jose(make + " && cat \(folder)/out")
            #expect(result.code == 0, "\(result.error)")
            let bytes = Array(result.output.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
            let answer = try VerifiedAcknowledgement(bytes, keys: keys).answer(
                about: jti, from: "aud", to: "kiosk", signed: 1_795_285_199, now: 1_795_285_201)
            #expect(answer == .taken)
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
