import Announcement
import Cryptography
import Glibc
import HTTPClient
import JOSE
import LibraryDesk
import Testing

/// A kiosk's announcer and a library's desk on loopback.
private struct Pair {
    let desk: DeskServer
    let announcer: Announcer
    let kioskKey: SigningKey
    let libraryKey: SigningKey

    static let kiosk = "kiosk-07.lib.example"
    static let audience = "https://ils.example"

    init(audience: String = Pair.audience, kioskKeyAtDesk: SigningKey? = nil, disabled: Bool = false) async throws {
        kioskKey = SigningKey(try P256PrivateKey.generate())
        libraryKey = SigningKey(try P256PrivateKey.generate())
        desk = try DeskServer(
            verifier: TokenVerifier(
                audience: Self.audience, keys: [libraryKey],
                kiosks: [KnownKiosk(id: Self.kiosk, key: (kioskKeyAtDesk ?? kioskKey).publicJWK, isDisabled: disabled)])
        )
        let port = try await desk.start()
        let library = Library(
            name: "central", audience: audience, url: "http://127.0.0.1:\(port)/events", isRequired: true,
            receiver: libraryKey.publicJWK)
        announcer = Announcer(
            kiosk: Self.kiosk, platform: "https://mkpf.example", signingKey: kioskKey, libraries: [library],
            http: CurlClient())
    }

    func push(iat: Int64? = nil) async throws -> Delivery {
        let now = Int64(time(nil))
        let sealed = try await announcer.seal(
            [Statement(library: "central", ppid: "PPID-1", serviceID: "20260000000017")], now: iat ?? now, tapped: now)
        return await announcer.deliver(sealed, deadline: .now + .seconds(3))
    }
}

@Suite(.timeLimit(.minutes(1))) struct PushTests {
    @Test("A token arrives, passes every check, and is acknowledged")
    func acknowledged() async throws {
        let pair = try await Pair()
        await pair.announcer.prepare()
        #expect(try await pair.push() == .acknowledged)
        for await receipt in pair.desk.receipts {
            let event = try receipt.result.get()
            #expect(event.claims.subject == SubjectIdentifier(issuer: "https://mkpf.example", subject: "PPID-1"))
            #expect(event.claims.event == .presented(serviceID: "20260000000017"))
            #expect(event.claims.jti.utf8.count == 22 && !event.isDuplicate)
            break
        }
        await pair.desk.stop()
    }

    @Test("A desk that knows another key, another audience, a disabled kiosk, or a late token refuses by name")
    func refused() async throws {
        let other = SigningKey(try P256PrivateKey.generate())
        let cases: [(Pair, Int64?, PushError)] = [
            (try await Pair(kioskKeyAtDesk: other), nil, .invalidKey),
            (try await Pair(audience: "https://other.example"), nil, .invalidAudience),
            (try await Pair(disabled: true), nil, .accessDenied),
            (try await Pair(), Int64(time(nil)) - 600, .invalidRequest),
            (try await Pair(), Int64(time(nil)) + 600, .invalidRequest),
        ]
        for (pair, iat, error) in cases {
            #expect(try await pair.push(iat: iat) == .refused(error))
            await pair.desk.stop()
        }
    }

    @Test("200 and a redirect are no acknowledgement; 500 and silence end unreachable")
    func otherAnswers() async throws {
        let pair = try await Pair()
        for (behaviour, delivery) in [
            (DeskServer.Behaviour.answers(200), Delivery.refused(nil)), (.answers(302), .refused(nil)),
            (.answers(404), .refused(nil)), (.refuses(.accessDenied), .refused(.accessDenied)),
            (.answers(500), .unreachable), (.slow(.seconds(30)), .unreachable),
        ] {
            await pair.desk.behave(behaviour)
            #expect(try await pair.push() == delivery, "\(behaviour)")
        }
        await pair.desk.stop()
        #expect(try await pair.push() == .unreachable)
    }

    @Test("A registration that names no configured library makes no token")
    func noLibrary() async throws {
        let pair = try await Pair()
        await #expect(throws: AnnouncementError.noLibrary) {
            try await pair.announcer.seal([Statement(library: "x", ppid: "P", serviceID: nil)], now: 0, tapped: 0)
        }
        await pair.desk.stop()
    }

    @Test("The longest token of the profile fits 1232 bytes")
    func size() async throws {
        let (kiosk, library) = (SigningKey(try P256PrivateKey.generate()), SigningKey(try P256PrivateKey.generate()))
        let name = String(repeating: "k", count: 24)
        let announcer = Announcer(
            kiosk: name, platform: name, signingKey: kiosk,
            libraries: [
                Library(
                    name: "l", audience: name, url: "http://127.0.0.1:9/", isRequired: true, receiver: library.publicJWK
                )
            ], http: CurlClient())
        let statement = Statement(library: "l", ppid: String(repeating: "p", count: 64), serviceID: "12345678901234")
        let sealed = try await announcer.seal([statement], now: 1_795_285_200, tapped: 1_795_285_200)
        let size = try #require(sealed.tokens.first?.count)
        #expect(size <= 1_232, "\(size) bytes")
    }
}

@Suite struct TokenVerifierTests {
    private let kiosk: SigningKey
    private let library: SigningKey
    private let now: Int64 = 1_795_285_200

    init() throws {
        kiosk = SigningKey(try P256PrivateKey.generate())
        library = SigningKey(try P256PrivateKey.generate())
    }

    private func verifier() -> TokenVerifier {
        TokenVerifier(audience: "aud", keys: [library], kiosks: [KnownKiosk(id: "kiosk", key: kiosk.publicJWK)])
    }

    private func claims(_ json: String? = nil) -> [UInt8] {
        Array(
            (json
                ?? #"{"iss":"kiosk","aud":"aud","iat":\#(now),"toe":\#(now),"jti":"AAAAAAAAAAAAAAAAAAAAAA","sub_id":{"format":"iss_sub","iss":"p","sub":"PPID"},"events":{"urn:kazashi:presented":{}}}"#)
                .utf8)
    }

    private func token(_ payload: [UInt8], type: String = "secevent+jwt", key: SigningKey? = nil) throws -> [UInt8] {
        try PreparedAgreement(with: library.publicJWK).seal(JWS.sign(payload, type: type, key: key ?? kiosk))
    }

    @Test("A duplicate is answered as if it were new, and told apart")
    func duplicate() throws {
        var verifier = verifier()
        let token = try token(claims())
        #expect(try !verifier.verify(token, now: now).isDuplicate)
        #expect(try verifier.verify(token, now: now + 5).isDuplicate)
        // Held back beyond its window it is nothing.
        #expect(throws: PushError.invalidRequest) { try verifier.verify(token, now: now + 11) }
    }

    @Test("Each check has its name")
    func names() throws {
        var verifier = verifier()
        let impostor = SigningKey(try P256PrivateKey.generate(), keyID: kiosk.keyID)
        let stranger = SigningKey(try P256PrivateKey.generate())
        let text = String(decoding: claims(), as: UTF8.self)
        func changed(_ old: String, _ new: String) -> [UInt8] { Array(text.replacing(old, with: new).utf8) }
        let cases: [([UInt8], PushError)] = [
            (Array("x".utf8), .invalidRequest),
            ([UInt8](repeating: 0x41, count: 1_453), .invalidRequest),
            (try token(claims(), key: impostor), .authenticationFailed),
            (try token(claims(), key: stranger), .invalidKey),
            (try token(claims(), type: "JWT"), .invalidRequest),
            (try token(changed(#""iss":"kiosk""#, #""iss":"other""#)), .invalidIssuer),
            (try token(changed(#""aud":"aud""#, #""aud":"else""#)), .invalidAudience),
            (try token(changed(#""aud":"aud""#, #""aud":["aud"]"#)), .invalidRequest),
            (try token(changed("urn:kazashi:presented", "urn:kazashi:unheard-of")), .invalidRequest),
            (try token(changed(#""sub":"PPID""#, #""sub":"PPID","uri":"x""#)), .invalidRequest),
            (try token(changed(#""format":"iss_sub""#, #""format":"opaque""#)), .invalidRequest),
            (try token(changed(#""toe":"#, #""sub":"x","toe":"#)), .invalidRequest),
            (try token(changed(#""toe":"#, #""exp":1,"toe":"#)), .invalidRequest),
        ]
        for (index, (token, error)) in cases.enumerated() {
            #expect(throws: error, "case \(index)") { try verifier.verify(token, now: now) }
        }
    }

    @Test("Truncated and altered tokens are refused, without a trap")
    func altered() throws {
        var verifier = verifier()
        let token = try token(claims())
        for count in stride(from: 0, to: token.count, by: 3) {
            #expect(throws: PushError.self) { try verifier.verify(Array(token.prefix(count)), now: now) }
        }
    }
}
