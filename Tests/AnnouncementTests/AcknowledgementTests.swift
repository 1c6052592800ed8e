@testable import SecurityEvents
@testable import Announcement
import Cryptography
import JOSE
import Testing

@Suite struct AcknowledgementTests {
    private let library: SigningKey
    private let shared: SharedKey
    private let jti: TokenID

    init() throws {
        library = SigningKey(try P256PrivateKey.generate())
        shared = try SharedKey.generate()
        jti = try TokenID()
    }

    private var claims: [UInt8] { Array(#"{"iss":"aud","aud":"kiosk","iat":100,"ack":["\#(jti.text)"]}"#.utf8) }

    private func answer(_ token: [UInt8], _ keys: AcknowledgementKeys) -> VerifiedAcknowledgement.Answer? {
        (try? VerifiedAcknowledgement(token, keys: keys))?
            .answer(about: jti, from: "aud", to: "kiosk", signed: 100, now: 101)
    }

    @Test("Of another type it is none, though the library's own key made it")
    func type() throws {
        let keys = [AcknowledgementKeys.signed([library.publicJWK]), .shared(shared)]
        for type in [Acknowledgement.type, EventClaims.type, "JWT"] {
            let tokens = [try JWS.sign(claims, type: type, key: library), try shared.seal(claims, type: type)]
            for (token, keys) in zip(tokens, keys) {
                #expect(answer(token, keys) == (type == Acknowledgement.type ? .taken : nil), "\(type)")
            }
        }
    }

    @Test("One that says yes and no about the same token says nothing; an unknown name is a refusal without one")
    func contradiction() throws {
        func answer(_ text: String) throws -> VerifiedAcknowledgement.Answer? {
            let json = #"{"iss":"aud","aud":"kiosk","iat":100,\#(text.replacing("JTI", with: jti.text))}"#
            return self.answer(try shared.seal(Array(json.utf8), type: Acknowledgement.type), .shared(shared))
        }
        #expect(try answer(#""ack":["JTI"]"#) == .taken)
        #expect(try answer(#""ack":["JTI"],"setErrs":{"JTI":{"err":"access_denied"}}"#) == nil)
        #expect(try answer(#""setErrs":{"JTI":{"err":"access_denied"}}"#) == .refused(.accessDenied))
        #expect(try answer(#""setErrs":{"JTI":{"err":"no_such_name"}}"#) == .refused(nil))
        #expect(try answer(#""ack":[]"#) == nil)
        #expect(try answer(#""ack":"JTI""#) == nil)
    }

    @Test(
        "From a minute before the token to a minute after now, to the second; what is said of clocks alone has no time",
        arguments: [(940, true), (939, false), (1_065, true), (1_066, false)] as [(Int64, Bool)])
    func age(iat: Int64, counts: Bool) throws {
        for (error, isOfClocks) in [(PushError?.none, false), (.accessDenied, false), (.staleIssueTime, true)] {
            let token = try Acknowledgement(iss: "aud", aud: "kiosk", iat: iat, jti: jti, error: error)
                .sealed(under: shared)
            let answer = try VerifiedAcknowledgement(token, keys: .shared(shared))
                .answer(about: jti, from: "aud", to: "kiosk", signed: 1_000, now: 1_005)
            #expect(answer == (counts || isOfClocks ? error.map { .refused($0) } ?? .taken : nil))
        }
    }

    @Test("A key that the library does not have is another thing than a signature that is wrong")
    func unknownKey() throws {
        let token = try JWS.sign(claims, type: Acknowledgement.type, key: library)
        let other = SigningKey(try P256PrivateKey.generate())
        #expect(throws: JOSEError.unsuitableKey) {
            try VerifiedAcknowledgement(token, keys: .signed([other.publicJWK]))
        }
        #expect(throws: JOSEError.unsuitableKey) { try VerifiedAcknowledgement(token, keys: .signed([])) }
    }

    @Test("A shared key of another name is another key, though the secret is the same")
    func otherName() throws {
        let secret = try SecureRandom.shared.secret(32)
        let keys = try ["one", "other"].map { try SharedKey(secret, keyID: $0) }
        let token = try keys[0].seal(claims, type: Acknowledgement.type)
        #expect(answer(token, .shared(keys[0])) == .taken)
        #expect(throws: JOSEError.unsuitableKey) { try VerifiedAcknowledgement(token, keys: .shared(keys[1])) }
    }

    @Test("A large one is not looked at")
    func size() throws {
        let long = Array(
            #"{"iss":"aud","aud":"kiosk","iat":100,"ack":["\#(jti.text)"],"x":"\#(String(repeating: "x", count: 2_000))"}"#
                .utf8)
        #expect(answer(try shared.seal(long, type: Acknowledgement.type), .shared(shared)) == nil)
    }
}
