import Announcement
import Cryptography
import Foundation
import Glibc
import HTTPClient
import JOSE
import Laboratory
import LibraryDesk
import Testing

/// José (Debian's `jose`), an implementation that shares nothing with ours, as the judge of our tokens in both directions.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: access("/usr/bin/jose", X_OK) == 0, "needs Debian's jose; board/requirements installs it"))
struct IndependentJOSETests {
    private let folder: String
    private let kiosk: SigningKey
    private let library: SigningKey

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-jose-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        kiosk = SigningKey(try P256PrivateKey.generate())
        library = SigningKey(try P256PrivateKey.generate())
        for (name, key) in [("kiosk", kiosk), ("library", library)] {
            try write("\(name).jwk", Self.privateJWK(key))
            try write("\(name).pub.jwk", key.publicJWK.json)
        }
    }

    private static func privateJWK(_ key: SigningKey) throws -> String {
        let scalar = try key.key.exportScalar().withBytes { Base64URL.encode(Array($0)) }
        return key.publicJWK.json.dropLast() + #","d":"\#(scalar)"}"#
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
                    name: "l", audience: "aud", url: "http://127.0.0.1:9/", isRequired: true,
                    receiver: library.publicJWK)
            ], http: CurlClient())
        let sealed = try await announcer.seal(
            [Statement(library: "l", ppid: "PPID-1", serviceID: nil)], now: 1_795_285_200, tapped: 1_795_285_199)
        let token = try #require(sealed.tokens.first)
        try write("token", String(decoding: token, as: UTF8.self))
        let result = try await jose(
            "jwe dec -i token -k library.jwk -O inner && jose jws ver -i inner -k kiosk.pub.jwk -O payload && cat \(folder)/payload"
        )
        #expect(result.code == 0, "\(result.error)")
        let claims = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.output)")
        #expect(Set(claims.keys) == ["iss", "aud", "iat", "toe", "jti", "sub_id", "events"])
        #expect((claims["sub_id"] as? [String: String])?["sub"] == "PPID-1")
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
        var verifier = TokenVerifier(
            audience: "aud", keys: [library], kiosks: [KnownKiosk(id: "kiosk", key: kiosk.publicJWK)])
        let token = Array(result.output.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
        let event = try verifier.verify(token, now: 1_795_285_200)
        #expect(event.claims.subject.subject == "PPID-2")
        try? FileManager.default.removeItem(atPath: folder)
    }
}
