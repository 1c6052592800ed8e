package import JOSE

/// How tokens for one library are made. The configuration says it, never a message (RFC 8725 3.1).
package enum Suite: Sendable {
    /// A JWS in a JWE. Tokens are sealed for `receiver`; `others` are further keys of the library's set, tried when it
    /// says that it does not know the first. `acknowledgers` verify signed acknowledgements.
    case nested(receiver: PublicJWK, others: [PublicJWK] = [], acknowledgers: [PublicJWK] = [])
    /// A JWE under a key that both hold.
    case direct(SharedKey)

    /// Nil: there is no key to verify one with.
    package var acknowledgementKeys: AcknowledgementKeys? {
        switch self {
        case .nested(_, _, let keys): keys.isEmpty ? nil : .signed(keys)
        case .direct(let key): .shared(key)
        }
    }
}

/// Why no token could be made.
package enum TokenError: String, Error, Sendable {
    /// Signing or sealing failed: no randomness.
    case failed = "token_failed"
    /// The token would be larger than a receiver takes.
    case tooLarge = "too_large"
    /// No time is believed that it could be signed at.
    case noTime = "no_time"
}
