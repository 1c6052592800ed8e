package import Announcement
internal import Cryptography
package import JOSE

/// A kiosk that a library knows: its name, and the key that it signs with.
package struct KnownKiosk: Sendable {
    package let id: String
    package let key: PublicJWK
    package var isDisabled: Bool

    package init(id: String, key: PublicJWK, isDisabled: Bool = false) {
        (self.id, self.key, self.isDisabled) = (id, key, isDisabled)
    }
}

/// A statement that passed every check.
package struct AcceptedEvent: Sendable {
    package let claims: EventClaims
    /// Seen before: the same answer, no second action.
    package let isDuplicate: Bool
}

/// The receiver's checks in the profile's order, and what each failure is called.
package struct TokenVerifier: Sendable {
    private let audience: String
    private let keys: [String: P256Holder]
    private let kiosks: [String: KnownKiosk]
    /// `jti` and when it may be forgotten.
    private var seen: [String: Int64] = [:]

    private struct P256Holder: Sendable { let key: SigningKey }

    package static let mostBytes = 1_452

    /// - Parameters:
    ///   - audience: what `aud` must be.
    ///   - keys: the library's private keys, by `kid`.
    package init(audience: String, keys: [SigningKey], kiosks: [KnownKiosk]) {
        self.audience = audience
        self.keys = Dictionary(keys.map { ($0.keyID, P256Holder(key: $0)) }) { first, _ in first }
        self.kiosks = Dictionary(kiosks.map { ($0.key.keyID, $0) }) { first, _ in first }
    }

    /// - Parameter now: seconds since 1970.
    package mutating func verify(_ token: [UInt8], now: Int64) throws(PushError) -> AcceptedEvent {
        guard token.count <= Self.mostBytes else { throw .invalidRequest }
        let jws = try open(token)
        guard let kid = jws.header.kid, let kiosk = kiosks[kid] else { throw .invalidKey }
        guard jws.unverifiedIssuer == kiosk.id else { throw .invalidIssuer }
        let payload: [UInt8]
        do {
            payload = try jws.verified(under: kiosk.key.key)
        } catch {
            throw error == .signature ? .authenticationFailed : .invalidRequest
        }
        guard !kiosk.isDisabled else { throw .accessDenied }
        guard jws.header.typ == EventClaims.type else { throw .invalidRequest }
        let claims: EventClaims
        do {
            claims = try payload.withUnsafeBytes { (bytes) throws(ClaimsError) in try EventClaims(json: bytes) }
        } catch {
            throw .invalidRequest
        }
        guard claims.aud == audience else { throw .invalidAudience }
        let window = claims.event.window
        guard claims.iat <= now + window.ahead, now <= claims.iat + window.behind else { throw .invalidRequest }
        return AcceptedEvent(claims: claims, isDuplicate: remember(claims.jti, window: window, now: now))
    }

    private func open(_ token: [UInt8]) throws(PushError) -> UnverifiedJWS {
        let jwe: UnopenedJWE
        do {
            jwe = try UnopenedJWE(token)
        } catch {
            throw .invalidRequest
        }
        guard let kid = jwe.header.kid, let holder = keys[kid] else { throw .invalidKey }
        guard jwe.header.cty == "JWT" else { throw .invalidRequest }
        let inner: [UInt8]
        do {
            inner = try jwe.opened(with: holder.key.key).withBytes { Array($0) }
        } catch {
            throw error == .unexpectedHeader ? .invalidRequest : .invalidKey
        }
        do {
            return try UnverifiedJWS(inner)
        } catch {
            throw .invalidRequest
        }
    }

    /// True when it was seen before. The cache spans twice the window: outside it a replay fails by `iat`.
    private mutating func remember(_ jti: String, window: (ahead: Int64, behind: Int64), now: Int64) -> Bool {
        if seen.count > 4_096 { seen = seen.filter { $0.value > now } }
        if let until = seen[jti], until > now { return true }
        seen[jti] = now + 2 * (window.ahead + window.behind)
        return false
    }
}
