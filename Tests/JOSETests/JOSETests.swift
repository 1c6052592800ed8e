import Cryptography
import JOSE
import Testing

@Suite struct Base64URLTests {
    @Test("RFC 4648 section 10, without padding")
    func vectors() throws {
        for (text, encoded) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(Base64URL.encode(Array(text.utf8)) == encoded)
            #expect(try Base64URL.decode(encoded.utf8) == Array(text.utf8))
        }
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test("One text for one value", arguments: ["Zg==", "Zh", "Z", "+_8", "Zg\n", "Zm9v "])
    func strict(text: String) { #expect(throws: JOSEError.malformed) { try Base64URL.decode(text.utf8) } }
}

/// The key of RFC 7515 A.3.1.
private let rfc7515Key = #"""
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
    """#

@Suite struct JWSTests {
    /// RFC 7515 A.3.1.
    let token = Array(
        """
        eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
        .DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
        """.utf8)

    @Test("The ES256 example of RFC 7515 verifies, and no flipped signature does")
    func rfc7515() throws {
        let key = try #require(try PublicJWK.parse(Array(rfc7515Key.utf8)).first)
        let payload = try UnverifiedJWS(token).verified(under: key.key)
        #expect(String(decoding: payload, as: UTF8.self).contains(#""iss":"joe""#))
        var changed = token
        changed[30] = changed[30] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(throws: JOSEError.signature) { try UnverifiedJWS(changed).verified(under: key.key) }
    }

    @Test("The algorithm is the receiver's choice")
    func algorithm() throws {
        let key = try #require(try PublicJWK.parse(Array(rfc7515Key.utf8)).first)
        for header in [#"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"ES256","crit":["b64"]}"#] {
            let text =
                Base64URL.encode(Array(header.utf8)) + ".e30." + Base64URL.encode([UInt8](repeating: 1, count: 64))
            #expect(throws: JOSEError.unexpectedHeader) {
                try UnverifiedJWS(Array(text.utf8)).verified(under: key.key)
            }
        }
    }

    @Test("What we sign verifies under our key and no other")
    func roundTrip() throws {
        let key = SigningKey(try P256PrivateKey.generate())
        let token = try JWS.sign([1, 2, 3], type: "secevent+jwt", key: key)
        let jws = try UnverifiedJWS(token)
        #expect(jws.header.kid == key.keyID && jws.header.typ == "secevent+jwt")
        #expect(try jws.verified(under: key.key.publicKey) == [1, 2, 3])
        #expect(throws: JOSEError.signature) { try jws.verified(under: try P256PrivateKey.generate().publicKey) }
    }

    @Test("A good JWS with one dot more is none")
    func dots() throws {
        let key = SigningKey(try P256PrivateKey.generate())
        let token = String(decoding: try JWS.sign([1, 2, 3], type: "secevent+jwt", key: key), as: UTF8.self)
        #expect(throws: Never.self) { try UnverifiedJWS(Array(token.utf8)) }
        for changed in [".\(token)", "\(token).", token.replacing(".", with: "..", maxReplacements: 1)] {
            #expect(throws: JOSEError.malformed) { try UnverifiedJWS(Array(changed.utf8)) }
        }
    }

    @Test("Not a JWS", arguments: ["", "a", "a.b", "a.b.c.d", "e30.e30.!", "bm90anNvbg.e30.e30"])
    func malformed(text: String) { #expect(throws: JOSEError.malformed) { try UnverifiedJWS(Array(text.utf8)) } }
}

@Suite struct JWETests {
    @Test("Concat KDF of RFC 7518, appendix C")
    func concat() throws {
        let alice = try P256PrivateKey(
            scalar: SecretBytes(copying: Base64URL.decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo".utf8)))
        let bob = try P256PublicKey(
            x: Base64URL.decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ".utf8),
            y: Base64URL.decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck".utf8))
        let shared = try alice.sharedSecret(with: bob)
        let key = try concatKDF(
            shared, algorithm: "A128GCM", apu: Array("Alice".utf8), apv: Array("Bob".utf8), bits: 128)
        #expect(key.withBytes { Base64URL.encode(Array($0)) } == "VqqN6vgjbSBcIijNcacQGg")
    }

    @Test("Sealed for one receiver, opened by it alone; an agreement seals once")
    func roundTrip() throws {
        let receiver = SigningKey(try P256PrivateKey.generate())
        let agreement = try PreparedAgreement(with: receiver.publicJWK)
        let sealed = try agreement.seal(Array("inner".utf8))
        #expect(throws: JOSEError.spent) { try agreement.seal([1]) }
        let jwe = try UnopenedJWE(sealed)
        #expect(jwe.header.kid == receiver.keyID && jwe.header.cty == "JWT" && jwe.header.enc == "A256GCM")
        #expect(try jwe.opened(with: receiver.key).matches(Array("inner".utf8)))
        #expect(throws: JOSEError.decryption) { try jwe.opened(with: try P256PrivateKey.generate()) }
    }

    @Test("Every flipped character of a sealed token is refused, without a trap")
    func flipped() throws {
        let receiver = SigningKey(try P256PrivateKey.generate())
        let sealed = try PreparedAgreement(with: receiver.publicJWK).seal([1, 2, 3])
        for index in sealed.indices {
            var changed = sealed
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(throws: JOSEError.self) { try UnopenedJWE(changed).opened(with: receiver.key) }
        }
    }

    @Test("The size that a token will have is the size that it has, in each form", arguments: [0, 1, 2, 3, 255, 256])
    func sizes(count: Int) throws {
        let (receiver, sender) = (SigningKey(try P256PrivateKey.generate()), SigningKey(try P256PrivateKey.generate()))
        let payload = [UInt8](repeating: 0x61, count: count)
        let signed = try JWS.sign(payload, type: "t+jwt", key: sender)
        #expect(signed.count == JWS.size(of: count, type: "t+jwt", keyID: sender.keyID))
        let sealed = try PreparedAgreement(with: receiver.publicJWK).seal(payload)
        #expect(sealed.count == PreparedAgreement.size(of: count, receiverKeyID: receiver.publicJWK.keyID))
        let shared = try SharedKey.generate()
        #expect(try shared.seal(payload, type: "t+jwt").count == shared.size(of: count, type: "t+jwt"))
    }

    @Test("A zip, an encrypted key, another algorithm: not this profile")
    func foreignMembers() throws {
        let receiver = SigningKey(try P256PrivateKey.generate())
        let sealed = try PreparedAgreement(with: receiver.publicJWK).seal([1])
        var parts = sealed.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        let header = String(decoding: try Base64URL.decode(parts[0]), as: UTF8.self)
        for change in [#""zip":"DEF","#, #""apu":"QQ","#, #""crit":["x"],"#] {
            let text = "{" + change + header.dropFirst()
            parts[0] = Array(Base64URL.encode(Array(text.utf8)).utf8)
            let token = Array(parts.joined(separator: [UInt8(ascii: ".")]))
            #expect(throws: JOSEError.unexpectedHeader) { try UnopenedJWE(token).opened(with: receiver.key) }
        }
    }
}

@Suite struct JSONWebKeyTests {
    @Test("A key without a kid is called by its thumbprint, RFC 7638")
    func thumbprint() throws {
        let key = try P256PrivateKey.generate().publicKey
        let jwk = PublicJWK(key: key)
        let again = try PublicJWK.parse(Array(jwk.json.utf8))
        #expect(again == [jwk])
        #expect(jwk.keyID.utf8.count == 43)
        #expect(try PublicJWK.parse(Array(#"{"keys":[\#(jwk.json)]}"#.utf8)) == [jwk])
    }

    @Test("A private key where a public one belongs is refused")
    func privateKey() {
        let text = rfc7515Key.dropLast() + #","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#
        #expect(throws: JOSEError.unsuitableKey) { try PublicJWK.parse(Array(text.utf8)) }
    }

    @Test("No key", arguments: ["", "{}", "[]", #"{"keys":[]}"#, #"{"kty":"RSA","crv":"","x":"","y":""}"#])
    func noKey(text: String) { #expect(throws: JOSEError.self) { try PublicJWK.parse(Array(text.utf8)) } }

    private func jwk(_ members: String = "", kid: String) throws -> (text: String, key: P256PublicKey) {
        let key = try P256PrivateKey.generate().publicKey
        let text = PublicJWK(key: key, keyID: kid).json.dropLast() + (members.isEmpty ? "}" : "," + members + "}")
        return (String(text), key)
    }

    @Test("Keys of a set that are of another kind, or not whole, are ignored (RFC 7517 section 5)")
    func foreignKeys() throws {
        let ours = try jwk(kid: "ours")
        let set = [
            #"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa"}"#, #"{"kty":"OKP","crv":"X25519","x":"AA","kid":"okp"}"#,
            #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, #"{"kty":"EC","crv":"P-256","x":"AA"}"#,
            #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, #"{"kty":"EC","crv":"P-256","x":"!","y":5}"#,
            #"{"kty":"of tomorrow"}"#, "{}", ours.text, #"{"kty":"EC","crv":"P-256","kid":7}"#,
        ]
        let text = #"{"keys":[\#(set.joined(separator: ","))],"more":true}"#
        for purpose in [nil, PublicJWK.Purpose.sealing, .verifying] {
            #expect(try PublicJWK.parse(Array(text.utf8), for: purpose).map(\.key) == [ours.key])
        }
        for text in [#"{"keys":[\#(set[0])]}"#, set[0], "{}"] {
            #expect(throws: JOSEError.noFittingKey) { try PublicJWK.parse(Array(text.utf8)) }
        }
    }

    @Test("use, key_ops and alg choose the key: for sealing one, for verifying another")
    func purposes() throws {
        func names(_ members: String, _ purpose: PublicJWK.Purpose) throws -> [String] {
            let text = #"{"keys":[\#(try jwk(members, kid: "first").text),\#(try jwk(kid: "plain").text)]}"#
            return try PublicJWK.parse(Array(text.utf8), for: purpose).map(\.keyID)
        }
        for (members, seals, verifies) in [
            (#""use":"enc""#, true, false), (#""use":"sig""#, false, true), (#""use":"of tomorrow""#, false, false),
            (#""key_ops":["deriveKey"]"#, true, false), (#""key_ops":["deriveBits","x"]"#, true, false),
            (#""key_ops":["verify"]"#, false, true), (#""key_ops":["sign","wrapKey"]"#, false, false),
            // What the Web Cryptography API writes for a public key of ECDH.
            (#""key_ops":[],"ext":true"#, true, true), (#""use":"enc","key_ops":["verify"]"#, false, false),
            (#""alg":"ES256""#, false, true), (#""alg":"ECDH-ES""#, true, false),
            (#""use":"enc","alg":"ECDH-ES+A256KW""#, true, false), (#""alg":"HS256""#, false, false),
        ] as [(String, Bool, Bool)] {
            #expect(try names(members, .sealing) == (seals ? ["first", "plain"] : ["plain"]), "\(members)")
            #expect(try names(members, .verifying) == (verifies ? ["first", "plain"] : ["plain"]), "\(members)")
        }
        let only = try jwk(#""use":"sig""#, kid: "only").text
        #expect(throws: JOSEError.noFittingKey) { try PublicJWK.parse(Array(only.utf8), for: .sealing) }
    }

    @Test("A private key of any kind in a set is refused, whichever key is wanted; a huge text is not looked at")
    func privateKeyInSet() throws {
        let ours = try jwk(kid: "ours").text
        for text in [#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#, ours.dropLast() + #","d":"AQAB"}"#] {
            let set = Array(#"{"keys":[\#(ours),\#(text)]}"#.utf8)
            #expect(throws: JOSEError.unsuitableKey) { try PublicJWK.parse(set, for: .sealing) }
        }
        let most = 64 * 1_024
        let padded = Array((ours + String(repeating: " ", count: most - ours.utf8.count)).utf8)
        #expect(try PublicJWK.parse(padded).count == 1)
        #expect(throws: JOSEError.malformed) { try PublicJWK.parse(padded + [0x20]) }
    }
}
