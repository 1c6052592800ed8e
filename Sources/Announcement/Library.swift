package import HTTPClient
package import JOSE

/// A library that receives tokens: configuration, resolved.
package struct Library: Sendable {
    package let name: String
    /// `aud`.
    package let audience: String
    package let url: String
    /// A tap is welcomed only when every required library that the registration names has acknowledged.
    package let isRequired: Bool
    package let receiver: PublicJWK
    package let tls: TLSOptions

    package init(
        name: String, audience: String, url: String, isRequired: Bool, receiver: PublicJWK,
        tls: TLSOptions = TLSOptions()
    ) {
        (self.name, self.audience, self.url) = (name, audience, url)
        (self.isRequired, self.receiver, self.tls) = (isRequired, receiver, tls)
    }
}

/// How a delivery ended.
package enum Delivery: Hashable, Sendable {
    case acknowledged
    /// The library said no; what it called it, where that is a name of RFC 8935 or the profile.
    case refused(PushError?)
    /// No answer that counts within the deadline.
    case unreachable
}

/// What a receiver may call a refusal (RFC 8935 2.4, and the push profile).
package enum PushError: String, Error, Sendable, CaseIterable {
    case invalidRequest = "invalid_request"
    case invalidKey = "invalid_key"
    case invalidIssuer = "invalid_issuer"
    case invalidAudience = "invalid_audience"
    case authenticationFailed = "authentication_failed"
    case accessDenied = "access_denied"
}

/// Why no token could be made.
package enum AnnouncementError: String, Error, Sendable {
    /// Signing or sealing failed: no randomness.
    case tokenFailed = "token_failed"
    /// The token would not fit a datagram of the profile (1452 bytes).
    case tooLarge = "too_large"
    /// The registration names none of the configured libraries.
    case noLibrary = "no_library"
}
