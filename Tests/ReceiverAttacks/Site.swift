package import Announcement
import Cryptography
package import Desk
import Glibc
import HTTPClient
import JOSE
package import SecurityEvents

/// A kiosk and a library of keys made now, by the machine's clock.
package struct Site: Sendable {
    private let kiosk, library, sign: SigningKey
    private let shared: SharedKey
    private let isDirect: Bool

    /// Somebody is there.
    package static let event = SecurityEvent.person(
        .presented(serviceID: nil), SubjectIdentifier(issuer: "https://mkpf.example", subject: "PPID-SECRET"))

    package init(_ suite: String) throws {
        func key() throws -> SigningKey { SigningKey(try P256PrivateKey.generate()) }
        (kiosk, library, sign, shared) = (try key(), try key(), try key(), try SharedKey.generate())
        isDirect = suite == "direct"
    }

    /// What receiver.py is told.
    package var configuration: String {
        let kioskKey = isDirect ? shared.secretJSON : kiosk.publicJWK.json
        let keys = isDirect ? "" : #""keys": [\#(library.secretJSON)], "sign": \#(sign.secretJSON), "#
        return #"{"audience": "aud", "suite": "\#(isDirect ? "direct" : "nested")", "#
            + keys + #""kiosks": [{"id": "kiosk", "key": \#(kioskKey)}]}"#
    }

    package func desk(file: String? = nil) throws -> Recipient {
        let key: KnownKiosk.Key = isDirect ? .shared(shared) : .signing(kiosk.publicJWK)
        return try Recipient(
            verifier: TokenVerifier(
                audience: "aud", keys: isDirect ? [] : [library], kiosks: [KnownKiosk(id: "kiosk", key: key)]),
            acknowledger: isDirect ? .shared : .signing(sign), file: file, now: { Int64(time(nil)) })
    }

    package func transmitter(_ endpoint: Endpoint) -> Transmitter {
        let suite: Suite =
            isDirect ? .direct(shared) : .nested(receiver: library.publicJWK, acknowledgers: [sign.publicJWK])
        return Transmitter(
            Library(name: "l", audience: "aud", endpoint: endpoint, suite: suite), kiosk: "kiosk", signingKey: kiosk,
            http: CurlClient(), now: { Int64(time(nil)) })
    }

    /// A fresh one that is taken now.
    package func token() throws -> [UInt8] { try token(Site.event, jti: TokenID()) }

    package func token(_ event: SecurityEvent, jti: TokenID) throws -> [UInt8] {
        let now = Int64(time(nil))
        let claims = try EventClaims(iss: "kiosk", aud: "aud", iat: now, toe: now, jti: jti, event: event).encoded()
        if isDirect { return try shared.seal(claims, type: EventClaims.type) }
        return try PreparedAgreement(with: library.publicJWK).seal(
            JWS.sign(claims, type: EventClaims.type, key: kiosk))
    }
}
