internal import Cryptography
package import JOSE
internal import SecurityEvents

/// A kiosk that a library knows: its name, and the key that it signs or seals with. A kiosk whose key changes stands
/// here twice for a while.
package struct KnownKiosk: Sendable {
    package enum Key: Sendable {
        case signing(PublicJWK)
        case shared(SharedKey)

        var keyID: String {
            switch self {
            case .signing(let key): key.keyID
            case .shared(let key): key.keyID
            }
        }
    }
    package let id: String
    package let key: Key
    package var isDisabled: Bool

    package init(id: String, key: Key, isDisabled: Bool = false) {
        (self.id, self.key, self.isDisabled) = (id, key, isDisabled)
    }

    package init(id: String, key: PublicJWK, isDisabled: Bool = false) {
        self.init(id: id, key: .signing(key), isDisabled: isDisabled)
    }
}

/// A token that one of the library's kiosks made. Whether it was seen before, and what it says, is asked after.
struct AuthenticToken: Sendable {
    let claims: ReceivedClaims
    let kiosk: KnownKiosk
}

/// Why a token is refused, and whether its sender proved to be one of the library's kiosks: nobody else gets an answer
/// over UDP.
struct Rejection: Error, Sendable {
    let error: PushError
    /// The kiosk that it is from, and the token's number, where that is certain.
    let sender: (kiosk: KnownKiosk, jti: TokenID)?

    init(_ error: PushError, sender: (kiosk: KnownKiosk, jti: TokenID)? = nil) {
        (self.error, self.sender) = (error, sender)
    }
}

/// The receiver's checks in the profile's order up to `iat`, and what each failure is called. It holds keys only.
package struct TokenVerifier: Sendable {
    let audience: String
    private let receiving: [String: SigningKey]
    private let kiosks: [String: KnownKiosk]
    private let window: Int64

    /// - Parameters:
    ///   - audience: what `aud` must be.
    ///   - keys: the library's private keys that tokens are sealed for; none in the suite `direct`.
    ///   - kiosks: of one suite.
    ///   - window: how long after `iat` a presence is taken, 10 to 60 seconds.
    package init(audience: String, keys: [SigningKey] = [], kiosks: [KnownKiosk], window: Int64 = 10) {
        self.audience = audience
        receiving = Dictionary(keys.map { ($0.keyID, $0) }) { first, _ in first }
        self.kiosks = Dictionary(kiosks.map { ($0.key.keyID, $0) }) { first, _ in first }
        self.window = min(60, max(10, window))
    }

    /// Agreement and signature take milliseconds in the suite `nested`, nothing in `direct`.
    var isDirect: Bool { receiving.isEmpty }

    /// - Parameter now: seconds since 1970.
    func verify(_ token: [UInt8], now: Int64) throws(Rejection) -> AuthenticToken {
        guard token.count <= SealedToken.most else { throw Rejection(.invalidRequest) }
        let (payload, type, kiosk) = try isDirect ? openDirect(token) : openNested(token)
        let claims: ReceivedClaims
        do {
            claims = try payload.withUnsafeBytes { (bytes) throws(ClaimsError) in try ReceivedClaims(json: bytes) }
        } catch {
            throw Rejection(.invalidRequest)
        }
        // A shared key is bound to one kiosk as a signing key is.
        guard claims.iss == kiosk.id else { throw Rejection(.invalidIssuer) }
        func rejection(_ error: PushError) -> Rejection { Rejection(error, sender: (kiosk, claims.jti)) }
        guard !kiosk.isDisabled else { throw rejection(.accessDenied) }
        guard type == EventClaims.type else { throw rejection(.invalidRequest) }
        guard claims.aud == audience else { throw rejection(.invalidAudience) }
        guard Self.times.contains(claims.iat), Self.times.contains(claims.toe) else {
            throw rejection(.invalidRequest)
        }
        let (ahead, behind): (Int64, Int64) = claims.isPresented ? (5, window) : (60, 60)
        guard claims.iat <= now + ahead, claims.iat >= now - behind else { throw rejection(.staleIssueTime) }
        return AuthenticToken(claims: claims, kiosk: kiosk)
    }

    /// What `iat` and `toe` may be, for whoever writes them as dates: from 1970 to the end of the year 9999 (RFC 3339).
    private static let times: ClosedRange<Int64> = 0...253_402_300_799

    private typealias Opened = (payload: [UInt8], type: String?, kiosk: KnownKiosk)

    /// The members that headers have, by their paths, and no other.
    private enum Members {
        static let nested = Set(
            ["alg", "enc", "cty", "kid", "epk"].map { [$0] } + ["kty", "crv", "x", "y"].map { ["epk", $0] })
        static let signed: Set<[String]> = [["alg"], ["typ"], ["kid"]]
        static let direct: Set<[String]> = [["alg"], ["enc"], ["typ"], ["kid"]]
    }

    private func openNested(_ token: [UInt8]) throws(Rejection) -> Opened {
        let (jwe, members) = try parsed(token)
        guard let kid = jwe.header.kid, let key = receiving[kid] else { throw Rejection(.invalidKey) }
        guard members == Members.nested, jwe.header.cty == "JWT", let epk = jwe.header.epk, epk.x.utf8.count == 43,
            epk.y.utf8.count == 43
        else { throw Rejection(.invalidRequest) }
        let inner: [UInt8]
        let jws: UnverifiedJWS
        do {
            inner = try jwe.opened(with: key.key).withBytes { Array($0) }
            jws = try UnverifiedJWS(inner)
        } catch {
            throw Rejection(error == .decryption ? .invalidKey : .invalidRequest)
        }
        let form = TokenForm.signed(inner)
        guard let members = form.header?.members else { throw Rejection(.invalidRequest) }
        guard let kid = jws.header.kid, let kiosk = kiosks[kid], case .signing(let key) = kiosk.key else {
            throw Rejection(.invalidKey)
        }
        guard form.claims != nil else { throw Rejection(.invalidRequest) }
        guard jws.unverifiedIssuer == kiosk.id else { throw Rejection(.invalidIssuer) }
        guard members.isSubset(of: Members.signed) else { throw Rejection(.invalidRequest) }
        do {
            return (try jws.verified(under: key.key), jws.header.typ, kiosk)
        } catch {
            throw Rejection(error == .signature ? .authenticationFailed : .invalidRequest)
        }
    }

    private func openDirect(_ token: [UInt8]) throws(Rejection) -> Opened {
        let (jwe, members) = try parsed(token)
        guard let kid = jwe.header.kid, let kiosk = kiosks[kid], case .shared(let key) = kiosk.key else {
            throw Rejection(.invalidKey)
        }
        guard members.isSubset(of: Members.direct) else { throw Rejection(.invalidRequest) }
        let claims: [UInt8]
        do {
            claims = try jwe.opened(with: key).withBytes { Array($0) }
        } catch {
            throw Rejection(error == .decryption ? .invalidKey : .invalidRequest)
        }
        guard TokenJSON(claims) != nil else { throw Rejection(.invalidRequest) }
        return (claims, jwe.header.typ, kiosk)
    }

    /// A sealed token whose form is known to be the profile's, and the members of its header.
    private func parsed(_ token: [UInt8]) throws(Rejection) -> (UnopenedJWE, members: Set<[String]>) {
        guard let header = TokenForm.sealedHeader(token), let jwe = try? UnopenedJWE(token) else {
            throw Rejection(.invalidRequest)
        }
        return (jwe, header.members)
    }

    /// How long a token's number is kept, seconds from now: twice the window, or as long as what is owed may come again.
    func life(of token: AuthenticToken) -> Int64 { token.claims.isPresented ? 2 * (5 + window) : 35 * 86_400 }
}
