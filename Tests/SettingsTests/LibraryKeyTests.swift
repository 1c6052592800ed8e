import Announcement
import Cryptography
import Foundation
import JOSE
import Pilot
import SecurityEvents
import Settings
import Testing

/// The keys of a library, as kazashi.toml names their files.
@Suite struct LibraryKeyTests {
    private let folder: PilotFolder
    private let others: [SigningKey]

    init() throws {
        folder = try PilotFolder(
            FileManager.default.temporaryDirectory.appending(path: "kazashi-jwk-\(UUID().uuidString)").path())
        others = try (0..<2).map { _ in SigningKey(try P256PrivateKey.generate()) }
    }

    private func with(_ members: String, _ key: SigningKey) -> String {
        key.publicJWK.json.dropLast() + "," + members + "}"
    }

    private func nested(_ suite: Suite?) throws -> (receivers: [PublicJWK], acknowledgers: [PublicJWK]) {
        guard case .nested(let receiver, let others, let acknowledgers) = try #require(suite) else { return ([], []) }
        return ([receiver] + others, acknowledgers)
    }

    private func failure() -> ConfigurationError? {
        do {
            _ = try Configuration(file: folder.configuration)
            return nil
        } catch {
            return error
        }
    }

    @Test("One JWK Set for both purposes: each takes the keys that are for it")
    func oneSet() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let set =
            #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},\#(with(#""use":"sig""#, others[0])),\#(with(#""use":"enc""#, others[1]))]}"#
        for file in ["central.jwk", "central-sign.jwk"] { _ = try folder.write(file, Array(set.utf8)) }
        let library = try #require(try Configuration(file: folder.configuration).libraries.first)
        let keys = try nested(library.suite)
        #expect(keys.receivers == [others[1].publicJWK] && keys.acknowledgers == [others[0].publicJWK])
        // What is read again later is read the same way.
        #expect(library.keyFiles == [folder.path + "/central.jwk", folder.path + "/central-sign.jwk"])
        let next = try nested(library.reread())
        #expect(next.receivers == keys.receivers && next.acknowledgers == keys.acknowledgers)
        _ = try folder.write("central.jwk", Array(set.utf8.prefix(100)))
        #expect(library.reread() == nil)
        // A name that makes every token too large is none to change to.
        let long = PublicJWK(key: others[1].key.publicKey, keyID: String(repeating: "k", count: 1_200)).json
        _ = try folder.write("central.jwk", Array(long.utf8))
        #expect(library.reread() == nil)
    }

    @Test("A set without a fitting key, and a private key, are told as what they are")
    func noFittingKey() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        for (file, text, key, words) in [
            ("central.jwk", with(#""use":"sig""#, others[0]), "receiver_key", #"use "enc""#),
            ("central-sign.jwk", with(#""key_ops":["deriveKey"]"#, others[0]), "acknowledgement_key", #"use "sig""#),
            ("central.jwk", #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, "receiver_key", "no P-256 public key"),
            ("central.jwk", others[0].secretJSON, "receiver_key", "private key"),
            ("central.jwk", "[]", "receiver_key", "must be a P-256 public JWK"),
        ] {
            let whole = try Data(contentsOf: URL(filePath: folder.path + "/" + file))
            _ = try folder.write(file, Array(text.utf8))
            let error = try #require(failure(), "taken: \(text)")
            #expect(error.kind == .badKey && error.place == .key("library.central.\(key)"))
            #expect(error.problem.contains(words), "\(error.problem)")
            _ = try folder.write(file, Array(whole))
        }
    }
}
