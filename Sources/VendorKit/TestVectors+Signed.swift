internal import Desk

internal import SecurityEvents
internal import Cryptography
internal import JOSE

/// What stands within a token that is well sealed: anybody can seal for a library in the suite `nested`, so even its
/// signed part may be anything. Claims are what only a kiosk can make, or whoever took it over.
extension TestVectors {
    private static let header = #"{"alg":"ES256","typ":"secevent+jwt","kid":"KID"}"#

    /// Signed by `key` under a header of any kind.
    private func signed(_ header: String, _ claims: [UInt8], key: SigningKey? = nil) throws -> String {
        let header = header.replacing("KID", with: kiosk.keyID)
        let input = "\(Base64URL.encode(Array(header.utf8))).\(Base64URL.encode(claims))"
        return "\(input).\(Base64URL.encode(try (key ?? kiosk).key.sign(Array(input.utf8))))"
    }

    mutating func addSignedTokens() throws {
        let claims = try self.claims()
        let good = try signed(Self.header, claims)
        add("signed: in its form", .nested, try envelope(Array(good.utf8)), "accepted")
        func with(_ member: String, key: SigningKey? = nil) throws -> String {
            try signed(Self.header.dropLast() + ",\(member)}", claims, key: key)
        }
        func with(header: String) throws -> String { try signed(header, claims) }
        let parts = good.split(separator: ".").map(String.init)
        let (input, signature) = ("\(parts[0]).\(parts[1])", parts[2])
        let deep = Array(String(repeating: "[", count: 600).utf8)
        for (name, inner) in [
            ("no token", "hello"), ("two parts", input), ("a fourth part", good + ".AAAA"), ("dots alone", ".."),
            ("a header that is a list", "\(Base64URL.encode(Array("[]".utf8))).\(parts[1]).\(signature)"),
            ("a kid that is a list", try with(header: #"{"alg":"ES256","typ":"secevent+jwt","kid":[]}"#)),
            ("a kid that is an object", try with(header: #"{"alg":"ES256","typ":"secevent+jwt","kid":{}}"#)),
            ("600 lists in each other for a header", "\(Base64URL.encode(deep)).\(parts[1]).\(signature)"),
            ("600 lists in each other for claims", "\(parts[0]).\(Base64URL.encode(deep)).\(signature)"),
            ("no claims", "\(parts[0])..\(signature)"), ("a padded signature", good + "=="),
            ("the same in JSON", #"{"protected":"\#(parts[0])","payload":"\#(parts[1])","signature":"\#(signature)"}"#),
            ("alg: none", try with(header: Self.header.replacing("ES256", with: "none"))),
            ("alg: HS256", try with(header: Self.header.replacing("ES256", with: "HS256"))),
            ("alg: ES384", try with(header: Self.header.replacing("ES256", with: "ES384"))),
            ("no alg", try with(header: #"{"typ":"secevent+jwt","kid":"KID"}"#)),
            ("alg twice", try with(#""alg":"none""#)),
            ("crit", try with(#""crit":["exp"]"#)), ("unencoded", try with(#""b64":false,"crit":["b64"]"#)),
            ("b64 alone", try with(#""b64":false"#)), ("compressed", try with(#""zip":"DEF""#)),
            ("a key that it brings along", try with(#""jwk":\#(stranger.publicJWK.json)"#, key: stranger)),
            ("a member that nobody knows", try with(#""more":"x""#)),
        ] {
            add("signed: \(name)", .nested, try envelope(Array(inner.utf8)), "invalid_request")
        }
        add("signed: bytes that are no text", .nested, try envelope([0xFF, 0x00, 0xFE]), "invalid_request")
        for (name, inner) in [
            ("no signature", "\(input)."), ("a signature of zeros", "\(input).\(String(repeating: "A", count: 86))"),
            ("half a signature", "\(input).\(signature.prefix(40))"),
            ("a byte more of a signature", "\(input).\(signature.dropLast(2))AAAA"),
            ("alg: none, without a signature", "\(input)."),
        ] {
            add("signed: \(name)", .nested, try envelope(Array(inner.utf8)), "authentication_failed")
        }
        let unknown = try signed(#"{"alg":"ES256","typ":"secevent+jwt"}"#, claims)
        add("signed: no kid", .nested, try envelope(Array(unknown.utf8)), "invalid_key")
    }

    /// Claims as a kiosk's key signs or seals them, whatever they are.
    mutating func addClaims(_ suite: Suite) throws {
        let base = String(decoding: try self.claims { $0["jti"] = "JTI" }, as: UTF8.self)
        func claims(_ old: String, _ new: String) throws -> [UInt8] {
            let text = base.replacing(old, with: new)
            // A change that changes nothing would be taken.
            guard text != base || old == new else { throw JOSEError.failed }
            return Array(text.replacing("JTI", with: try TokenID().text).utf8)
        }
        let (iat, toe, jti) = (#""iat":\#(Self.now)"#, #""toe":\#(Self.now - 1)"#, #""jti":"JTI""#)
        let (subject, issuer, number) = (#""sub":"PPID-TEST-0001""#, #""iss":"\#(Self.kioskID)""#, #""20260000000017""#)
        let event = #"{"urn:kazashi:presented":{"service_id":"20260000000017"}}"#
        let about = #""sub_id":{"format":"iss_sub","iss":"https://mkpf.example","sub":"PPID-TEST-0001"}"#
        func withdrawn(_ members: String) throws -> [UInt8] {
            let text = try claims(event, #"{"urn:kazashi:withdrawn":\#(members)}"#)
            return Array(String(decoding: text, as: UTF8.self).replacing("," + about, with: "").utf8)
        }
        let deep = String(repeating: "[", count: 150) + String(repeating: "]", count: 150)
        for (name, payload) in [
            ("a list", Array("[]".utf8)), ("a number", Array("5".utf8)), ("no JSON", Array("hello".utf8)),
            ("bytes that are no text", [0xFF, 0xFE]), ("an object of nothing, twice", Array("{}{}".utf8)),
            ("cut off", Array(try claims("a", "a").dropLast())),
            ("an object behind it", try claims("a", "a") + Array("{}".utf8)),
            ("a mark before it", [0xEF, 0xBB, 0xBF] + (try claims("a", "a"))),
            ("iat: true", try claims(iat, #""iat":true"#)), ("iat with a point", try claims(iat, iat + ".0")),
            ("iat with an exponent", try claims(iat, #""iat":1.7952852e9"#)),
            ("iat without an end", try claims(iat, #""iat":1e999"#)),
            ("iat: no number", try claims(iat, #""iat":NaN"#)),
            ("iat in quotes", try claims(iat, #""iat":"\#(Self.now)""#)),
            ("iat: null", try claims(iat, #""iat":null"#)),
            ("iat of 300 digits", try claims(iat, #""iat":1"# + String(repeating: "0", count: 299))),
            ("iat of 64 bits and one", try claims(iat, #""iat":9223372036854775808"#)),
            ("no iat", try claims(iat + ",", "")),
            ("iat at the end of 64 bits", try claims(iat, #""iat":9223372036854775807"#)),
            ("iat at the beginning of 64 bits", try claims(iat, #""iat":-9223372036854775808"#)),
            ("toe: true", try claims(toe, #""toe":true"#)), ("toe with a point", try claims(toe, toe + ".5")),
            ("toe at the end of 64 bits", try claims(toe, #""toe":9223372036854775807"#)),
            ("toe at the beginning of 64 bits", try claims(toe, #""toe":-9223372036854775808"#)),
            ("toe before 1970", try claims(toe, #""toe":-1"#)),
            ("toe in the year 10000", try claims(toe, #""toe":253402300800"#)),
            ("toe: null", try claims(toe, #""toe":null"#)), ("no toe", try claims("," + toe, "")),
            ("jti: a number", try claims(jti, #""jti":5"#)), ("jti: true", try claims(jti, #""jti":true"#)),
            ("jti: a list", try claims(jti, #""jti":["AAAAAAAAAAAAAAAAAAAAAA"]"#)),
            ("jti: an object", try claims(jti, #""jti":{}"#)),
            ("jti: a character too many", try claims("JTI", "JTIA")),
            ("jti: padded", try claims("JTI", "AAAAAAAAAAAAAAAAAAAA==")),
            ("jti: another alphabet", try claims("JTI", "+/AAAAAAAAAAAAAAAAAAAA")),
            ("jti: bits left over", try claims("JTI", "AAAAAAAAAAAAAAAAAAAAAB")),
            ("jti: a zero character", try claims("JTI", #"AAAAAAAAAAAAAAAAAAAAA\u0000"#)),
            ("jti: letters that are none of ASCII's", try claims("JTI", String(repeating: "Ａ", count: 22))),
            ("iss: a number", try claims("," + issuer, #","iss":"\#(Self.kioskID)","more":1.5"#)),
            ("aud: an object", try claims(#""\#(Self.audience)""#, "{}")),
            ("aud: true", try claims(#""\#(Self.audience)""#, "true")),
            ("sub: half a pair", try claims("PPID-TEST-0001", #"PPID\ud800"#)),
            ("sub: a zero character", try claims("PPID-TEST-0001", #"PPID\u0000"#)),
            ("sub: a number", try claims(subject, #""sub":5"#)), ("sub: a list", try claims(subject, #""sub":["P"]"#)),
            ("sub: empty", try claims(subject, #""sub":"""#)),
            ("sub: an object", try claims(subject, #""sub":{"a":"b"}"#)),
            ("sub twice", try claims(subject, #""sub":"P",\#(subject)"#)),
            ("service_id: a number", try claims(number, "17")), ("service_id: a list", try claims(number, #"["17"]"#)),
            ("service_id: true", try claims(number, "true")), ("service_id: null", try claims(number, "null")),
            ("service_id: a line feed", try claims(number, #""17\n18""#)),
            ("service_id: a control character", try claims(number, #""17\u0085""#)),
            ("service_id: a raw line feed", try claims(number, "\"17\n18\"")),
            ("sub_id: a list", try claims(about, #""sub_id":[]"#)),
            ("sub_id: null", try claims(about, #""sub_id":null"#)),
            ("sub_id: a text", try claims(about, #""sub_id":"P""#)),
            ("sub_id: an empty object", try claims(about, #""sub_id":{}"#)),
            ("events: a list", try claims(event, "[]")), ("events: null", try claims(event, "null")),
            ("events: empty", try claims(event, "{}")),
            ("an event that is a list", try claims(event, #"{"urn:kazashi:presented":[]}"#)),
            ("an event that is null", try claims(event, #"{"urn:kazashi:presented":null}"#)),
            ("an event that is a text", try claims(event, #"{"urn:kazashi:presented":"x"}"#)),
            ("an event twice", try claims(event, #"{"urn:kazashi:presented":{},"urn:kazashi:presented":{}}"#)),
            ("an event without its beginning", try claims(event, #"{"presented":{}}"#)),
            ("a member too many", try claims(number, #"\#(number),"more":"x""#)),
            ("iss twice", try claims(issuer, #"\#(issuer),"iss":"kiosk-08.lib.example""#)),
            ("iss twice, written in two ways", try claims(issuer, #""\u0069ss":"kiosk-08.lib.example",\#(issuer)"#)),
            ("events twice", try claims(#""events":"#, #""events":{"urn:kazashi:removed":{}},"events":"#)),
            ("sub: null", try claims(issuer, #"\#(issuer),"sub":null"#)),
            ("exp: true", try claims(issuer, #"\#(issuer),"exp":true"#)),
            ("a list that nobody asked for", try claims(issuer, #"\#(issuer),"more":[]"#)),
            ("150 lists in each other", try claims(issuer, #"\#(issuer),"more":\#(deep)"#)),
            ("five objects in each other", try claims(issuer, #"\#(issuer),"more":{"a":{"a":{"a":{}}}}"#)),
            ("withdrawn: a number", try withdrawn(#"{"jti":5}"#)),
            ("withdrawn: a jti that is too short", try withdrawn(#"{"jti":"abc"}"#)),
            ("withdrawn: bits left over", try withdrawn(#"{"jti":"AAAAAAAAAAAAAAAAAAAAAB"}"#)),
            ("withdrawn: no jti", try withdrawn("{}")),
            (
                "withdrawn: a member too many",
                try withdrawn(#"{"jti":"AAAAAAAAAAAAAAAAAAAAAA","more":"x"}"#)
            ),
        ] as [(String, [UInt8])] {
            add("claims: \(name)", suite, try seal(payload, suite), "invalid_request")
        }
        for (name, payload) in [
            ("blanks and line feeds", try claims(toe, " \n\t\(toe)\r\n ")),
            ("escapes", try claims("PPID-TEST", #"PPID\u002dTEST\/あ\uD842\uDFB7"#)),
            ("toe at the end of the year 9999", try claims(toe, #""toe":253402300799"#)),
            ("toe in 1970", try claims(toe, #""toe":0"#)),
            ("toe in 1970, with a sign", try claims(toe, #""toe":-0"#)),
        ] {
            add("claims: \(name)", suite, try seal(payload, suite), "accepted")
        }
    }
}
