internal import Cryptography
internal import FoundationEssentials
package import JOSE

/// What a receiver may call a refusal (RFC 8935 2.4, and the push profile).
package enum PushError: String, Error, Sendable, CaseIterable {
    case invalidRequest = "invalid_request"
    case invalidKey = "invalid_key"
    case invalidIssuer = "invalid_issuer"
    case invalidAudience = "invalid_audience"
    case authenticationFailed = "authentication_failed"
    case accessDenied = "access_denied"
    /// `iat` lies outside its window: right, but not now. Ours: the registered codes have none that means this.
    case staleIssueTime = "stale_iat"
}

/// A library's answer to one token (the shape of RFC 8936 2.4), for channels that say nothing about who answers: UDP,
/// and plain HTTP.
package struct Acknowledgement: Sendable, Equatable {
    /// The library's audience, and the kiosk.
    package let iss: String
    package let aud: String
    /// Seconds since 1970.
    package let iat: Int64
    package let jti: TokenID
    /// Nil: taken.
    package let error: PushError?

    package init(iss: String, aud: String, iat: Int64, jti: TokenID, error: PushError? = nil) {
        (self.iss, self.aud, self.iat, self.jti, self.error) = (iss, aud, iat, jti, error)
    }

    package static let type = "kazashi-ack+jwt"
    /// The header of an answer over plain HTTP.
    package static let header = "Kazashi-Acknowledgement"

    /// The suite `nested`: a JWS only, for there is nothing to hide in it.
    package func signed(by key: SigningKey) throws(JOSEError) -> [UInt8] {
        try JWS.sign(encoded(), type: Self.type, key: key)
    }

    /// The suite `direct`: a JWE under the shared key.
    package func sealed(under key: SharedKey) throws(JOSEError) -> [UInt8] {
        try key.seal(encoded(), type: Self.type)
    }

    private func encoded() throws(JOSEError) -> [UInt8] {
        var wire = AcknowledgementWire(iss: iss, aud: aud, iat: iat)
        if let error {
            wire.setErrs = [jti.text: .init(err: error.rawValue, description: "The token was not accepted.")]
        } else {
            wire.ack = [jti.text]
        }
        guard let json = try? JSONEncoder().encode(wire) else { throw .failed }
        return Array(json)
    }
}

/// Which keys may have made an acknowledgement.
package enum AcknowledgementKeys: Sendable {
    case signed([PublicJWK])
    case shared(SharedKey)
}

/// An acknowledgement that one of the library's keys made. Whom it is from and for, and which token it is about, is
/// asked of it.
package struct VerifiedAcknowledgement: Sendable {
    /// What the library says of a token.
    package enum Answer: Hashable, Sendable {
        case taken
        /// What it called it, where that is a name of RFC 8935 or the profile.
        case refused(PushError?)
    }

    private let wire: AcknowledgementWire

    /// Seconds by which the library's clock may be behind or ahead.
    private static let tolerance: Int64 = 60

    /// More than an answer needs, and little enough to be looked at.
    package static let mostBytes = SealedToken.most

    /// - Throws: `JOSEError`, whatever is wrong with it.
    package init(_ token: [UInt8], keys: AcknowledgementKeys) throws(JOSEError) {
        guard token.count <= Self.mostBytes else { throw .malformed }
        let decoded: AcknowledgementWire?
        switch keys {
        case .signed(let keys):
            let jws = try UnverifiedJWS(token)
            guard jws.header.typ == Acknowledgement.type else { throw .unexpectedHeader }
            let named = keys.filter { $0.keyID == jws.header.kid }
            guard !named.isEmpty else { throw .unsuitableKey }
            // Two keys of a set may bear one name (RFC 7517 4.5).
            var payload: [UInt8]?
            for key in named where payload == nil { payload = try? jws.verified(under: key.key) }
            guard let payload else { throw .signature }
            decoded = try? JSONDecoder().decode(AcknowledgementWire.self, from: Data(payload))
        case .shared(let key):
            let jwe = try UnopenedJWE(token)
            guard jwe.header.typ == Acknowledgement.type else { throw .unexpectedHeader }
            guard jwe.header.kid == key.keyID else { throw .unsuitableKey }
            decoded = try jwe.opened(with: key).withBytes {
                try? JSONDecoder().decode(AcknowledgementWire.self, from: Data($0))
            }
        }
        guard let decoded else { throw .malformed }
        wire = decoded
    }

    /// The answer about one token, if it is one from `library` to `kiosk`, and not an old one: it is given after the
    /// token was signed. Clocks may differ by a minute, as a receiver takes tokens that are so early.
    /// - Parameters:
    ///   - signed: the token's `iat`.
    ///   - now: seconds since 1970.
    package func answer(about jti: TokenID, from library: String, to kiosk: String, signed: Int64, now: Int64)
        -> Answer?
    {
        guard wire.iss == library, wire.aud == kiosk else { return nil }
        let (isTaken, refusal) = (wire.ack?.contains(jti.text) ?? false, wire.setErrs?[jti.text])
        // Whoever says that clocks differ has another one. An old answer of this kind can't be told: it ends no waiting over UDP.
        let isOfClocks = !isTaken && refusal?.err == PushError.staleIssueTime.rawValue
        let earliest = signed.subtractingReportingOverflow(Self.tolerance)
        let latest = now.addingReportingOverflow(Self.tolerance)
        guard
            isOfClocks
                || !earliest.overflow && !latest.overflow && wire.iat >= earliest.partialValue
                    && wire.iat <= latest.partialValue
        else { return nil }
        switch (isTaken, refusal) {
        case (true, nil): return .taken
        case (false, let refusal?): return .refused(PushError(rawValue: refusal.err))
        case (false, nil), (true, _?): return nil
        }
    }
}

private struct AcknowledgementWire: Codable, Sendable {
    let iss: String
    let aud: String
    let iat: Int64
    var ack: [String]?
    var setErrs: [String: Refusal]?

    struct Refusal: Codable, Sendable {
        let err: String
        var description: String?
    }
}
