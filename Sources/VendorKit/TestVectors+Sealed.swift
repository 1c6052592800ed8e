internal import Desk

internal import SecurityEvents
internal import Cryptography
internal import JOSE

/// What anybody on the network can send, without a key of a kiosk: the token's parts and the header of what is sealed.
/// Each is good but for one thing, so that only a receiver that looks at that thing refuses it.
extension TestVectors {
    /// Sealed as a kiosk does, but under a header that `change` made of the right one.
    /// - Parameter change: given the header, and the ephemeral key in it where the suite has one.
    func sealed(
        _ payload: [UInt8], _ suite: Suite, padding: String = "", _ change: (_ header: String, _ epk: String) -> String
    ) throws -> [UInt8] {
        let (key, right, epk): (SecretBytes, String, String)
        switch suite {
        case .nested:
            let ephemeral = try P256PrivateKey.generate()
            let (x, y) = (Base64URL.encode(ephemeral.publicKey.x), Base64URL.encode(ephemeral.publicKey.y))
            epk = #"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)"}"#
            right = #"{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":"\#(library.keyID)","epk":\#(epk)}"#
            key = try concatKDF(
                ephemeral.sharedSecret(with: library.key.publicKey), algorithm: "A256GCM", apu: [], apv: [])
        case .direct:
            epk = ""
            right = #"{"alg":"dir","enc":"A256GCM","typ":"secevent+jwt","kid":"\#(shared.keyID)"}"#
            key = sharedSecret
        }
        let header = Base64URL.encode(Array(change(right, epk).utf8)) + padding
        let nonce = try SecureRandom.shared.bytes(AESGCM.nonceCount)
        let box = try payload.withUnsafeBytes {
            try AESGCM.seal($0, key: key, nonce: nonce, associated: Array(header.utf8))
        }
        let parts = [nonce, box.ciphertext, box.tag].map { Base64URL.encode($0) }
        return Array("\(header)..\(parts.joined(separator: "."))".utf8)
    }

    /// What is sealed: in the suite `nested` a signed token.
    func payload(_ suite: Suite) throws -> [UInt8] {
        suite == .nested ? try JWS.sign(claims(), type: EventClaims.type, key: kiosk) : try claims()
    }

    /// First parts that are no header, and tokens of another form.
    mutating func addForms(_ suite: Suite) throws {
        for (name, text) in [
            ("a kid that is a list", #"{"kid":[]}"#), ("a kid that is an object", #"{"kid":{}}"#),
            ("a kid that is a number", #"{"kid":5}"#), ("a kid that is true", #"{"kid":true}"#),
            ("an enc that is a number", #"{"enc":5}"#), ("an alg that is a list", #"{"alg":["dir"],"kid":"x"}"#),
            ("1,050 lists in each other", String(repeating: "[", count: 1_050)),
            (
                "200 objects in each other",
                String(repeating: #"{"a":"#, count: 200) + String(repeating: "}", count: 200)
            ),
            ("lists and objects by turns", String(repeating: #"[{"a":"#, count: 200)),
            ("a header that is a number", "5"), ("a header that is no number", "NaN"),
            ("a header without an end", "1e999"), ("a header of 1,000 digits", String(repeating: "9", count: 1_000)),
            ("a header that is null", "null"), ("a header that is a text", #""kid""#), ("an empty header", ""),
            ("a header of nothing", "{}"), ("a header that is cut off", #"{"kid":"#),
            ("a key to be made", #"{"alg":"ECDH-ES","enc":"A256GCM","epk":{"generate":"RSA","size":16384}}"#),
        ] {
            let header = Base64URL.encode(Array(text.utf8))
            add(name, suite, Array("\(header)....".utf8), "invalid_request")
            // The same, where what follows has its form.
            let rest = [16, 2, 22].map { String(repeating: "A", count: $0) }.joined(separator: ".")
            add("\(name), and a token's other parts", suite, Array("\(header)..\(rest)".utf8), "invalid_request")
        }
        let good = String(decoding: try sealed(payload(suite), suite) { header, _ in header }, as: UTF8.self)
        add("in its form", suite, Array(good.utf8), "accepted")
        let parts = good.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        func changed(_ index: Int, _ part: (String) -> String) -> String {
            var parts = parts
            parts[index] = part(parts[index])
            return parts.joined(separator: ".")
        }
        for (name, token) in [
            ("an empty token", ""), ("dots alone", "...."), ("1,452 dots", String(repeating: ".", count: 1_452)),
            ("a sixth part", good + ".AAAA"), ("a line feed behind it", good + "\n"), ("a blank before it", " " + good),
            ("a zero byte behind it", good + "\0"), ("a letter that is none of ASCII's", good + "あ"),
            ("a fullwidth letter", changed(3) { "Ａ" + $0.dropFirst() }),
            ("padding", good + "=="), ("padding in the middle", changed(3) { $0 + "=" }),
            ("another alphabet", changed(3) { "+/" + $0.dropFirst(2) }),
            ("a blank within", changed(3) { $0.prefix(9) + " " + $0.dropFirst(9) }),
            ("bits left over", changed(4) { $0.dropLast() + "B" }), ("an encrypted key", changed(1) { _ in "AAAA" }),
            ("a longer nonce", changed(2) { $0 + "AAAA" }), ("no nonce", changed(2) { _ in "" }),
            ("a shorter tag", changed(4) { String($0.prefix(16)) }), ("no tag", changed(4) { _ in "" }),
            ("nothing inside", changed(3) { _ in "" }),
            (
                "the same in JSON",
                #"{"protected":"\#(parts[0])","iv":"\#(parts[2])","ciphertext":"\#(parts[3])","tag":"\#(parts[4])"}"#
            ),
        ] {
            add(name, suite, Array(token.utf8), "invalid_request")
        }
        add("nothing that is sealed", suite, try sealed([], suite) { header, _ in header }, "invalid_request")
        add("a padded header", suite, try sealed(payload(suite), suite, padding: "=") { h, _ in h }, "invalid_request")
    }

    /// Headers of well-sealed tokens.
    mutating func addHeaders(_ suite: Suite) throws {
        func with(_ member: String) -> (String, String) -> String { { header, _ in header.dropLast() + ",\(member)}" } }
        func replacing(_ old: String, _ new: String) -> (String, String) -> String {
            { header, _ in header.replacing(old, with: new) }
        }
        let alg = suite == .nested ? #""alg":"ECDH-ES""# : #""alg":"dir""#
        /// A name, and the header that is made of a header and its epk.
        typealias Change = (String, (String, String) -> String)
        var changes: [Change] = [
            ("compressed", with(#""zip":"DEF""#)), ("crit", with(#""crit":["exp"]"#)),
            ("an empty crit", with(#""crit":[]"#)),
            ("unencoded", with(#""b64":false,"crit":["b64"]"#)), ("b64 alone", with(#""b64":false"#)),
            ("apu", with(#""apu":"AAAA""#)), ("apv", with(#""apv":"AAAA""#)),
            ("a password's count", with(#""p2c":2147483647,"p2s":"AAAA""#)),
            ("a key that it brings along", with(#""jwk":{"kty":"oct","k":"AAAA"}"#)),
            ("a place for keys", with(#""jku":"http://192.0.2.1/""#)),
            ("a member that nobody knows", with(#""more":"x""#)), ("alg twice", with(alg)),
            ("alg twice, written in two ways", with(#""\u0061lg":"dir""#)), ("kid twice", with(#""kid":"x""#)),
            ("a number with a point", with(#""more":1.0"#)), ("half a pair", with(#""more":"\ud800""#)),
            ("a zero character", with(#""more":"\u0000""#)), ("null", with(#""typ":null"#)),
            ("alg: none", replacing(alg, #""alg":"none""#)), ("alg: RSA1_5", replacing(alg, #""alg":"RSA1_5""#)),
            ("alg: PBES2", replacing(alg, #""alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAA""#)),
            ("alg: A256KW", replacing(alg, #""alg":"A256KW""#)),
            (
                "alg in small letters",
                { header, _ in header.replacing(alg, with: alg.lowercased().replacing("dir", with: "DIR")) }
            ),
            ("enc: A128CBC-HS256", replacing("A256GCM", "A128CBC-HS256")),
            ("no enc", replacing(#""enc":"A256GCM","#, "")),
        ]
        if suite == .nested {
            func epk(_ text: String) -> (String, String) -> String { { $0.replacing($1, with: text) } }
            let zeros = String(repeating: "A", count: 43)
            let ofKeys: [Change] = [
                ("alg: dir", replacing(alg, #""alg":"dir""#)),
                ("alg: ECDH-ES+A256KW", replacing(alg, #""alg":"ECDH-ES+A256KW""#)),
                ("no cty", replacing(#""cty":"JWT","#, "")),
                ("cty: JOSE", replacing(#""cty":"JWT""#, #""cty":"JOSE""#)),
                ("a typ outside", with(#""typ":"secevent+jwt""#)),
                ("no epk", { $0.replacing(#","epk":\#($1)"#, with: "") }),
                ("an epk to be made", epk(#"{"generate":"RSA","size":16384}"#)),
                ("an epk to be made of P-256", epk(#"{"generate":"EC","crv":"P-256"}"#)),
                ("an epk that is a list", epk("[1]")), ("an epk that is a text", epk(#""x""#)),
                ("an epk that is a number", epk("5")), ("an epk of nothing", epk("{}")),
                ("an epk of another kind", epk(#"{"kty":"oct","k":"AAAA"}"#)),
                ("an epk of another curve", replacing("P-256", "P-384")),
                ("an epk of secp256k1", replacing("P-256", "secp256k1")),
                ("an epk of X25519", epk(#"{"kty":"OKP","crv":"X25519","x":"\#(zeros)"}"#)),
                ("an epk with a fifth member", { $0.replacing($1, with: $1.dropLast() + #","use":"enc"}"#) }),
                (
                    "an epk with something to be made",
                    { $0.replacing($1, with: $1.dropLast() + #","generate":"RSA","size":16384}"#) }
                ),
                ("an epk with a private half", { $0.replacing($1, with: $1.dropLast() + #","d":"\#(zeros)"}"#) }),
                ("an epk with an object in it", { $0.replacing($1, with: $1.dropLast() + #","more":{}}"#) }),
                (
                    "an epk whose x is a number",
                    { $0.replacing($1, with: #"{"kty":"EC","crv":"P-256","x":5,"y":"\#(zeros)"}"#) }
                ),
                ("an epk whose x is short", epk(#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"\#(zeros)"}"#)),
                ("an epk whose x is padded", replacing(#"","y":"#, #"=","y":"#)),
                ("epk twice", { $0.dropLast() + #","epk":\#($1)}"# }),
            ]
            changes += ofKeys
        } else {
            let ofKeys: [Change] = [
                ("an epk", with(#""epk":{"generate":"RSA","size":16384}"#)), ("a cty", with(#""cty":"JWT""#)),
                ("alg: ECDH-ES", replacing(alg, #""alg":"ECDH-ES""#)),
            ]
            changes += ofKeys
        }
        for (name, change) in changes {
            add("header: \(name)", suite, try sealed(payload(suite), suite, change), "invalid_request")
        }
        if suite == .nested {
            let nowhere = try sealed(payload(suite), suite) { header, epk in
                let zeros = String(repeating: "A", count: 43)
                return header.replacing(epk, with: #"{"kty":"EC","crv":"P-256","x":"\#(zeros)","y":"\#(zeros)"}"#)
            }
            add("header: an epk that is no point of the curve", suite, nowhere, "invalid_key")
        }
        add(
            "header: no kid", suite,
            try sealed(payload(suite), suite) { header, _ in
                header.replacing(
                    "\"kid\":\"\(suite == .nested ? library.keyID : shared.keyID)\"", with: "\"typ\":\"x\""
                )
                .replacing(#""typ":"secevent+jwt","#, with: "")
            }, "invalid_key")
    }
}
