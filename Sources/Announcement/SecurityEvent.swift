/// What a token says (RFC 8417): one event a token.
package enum SecurityEvent: Hashable, Sendable {
    /// The holder of the pseudonym is at this kiosk now. `serviceID` is the library card number, where known.
    case presented(serviceID: String?)

    package var uri: String {
        switch self {
        case .presented: "urn:kazashi:presented"
        }
    }

    /// How long a receiver may take it for, in seconds before and after `iat`.
    package var window: (ahead: Int64, behind: Int64) {
        switch self {
        case .presented: (5, 10)
        }
    }
}

/// A subject identifier in the form `iss_sub` (RFC 9493 3.2.4): exactly three members.
package struct SubjectIdentifier: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package let issuer: String
    /// The PPID: an identity.
    package let subject: String

    package init(issuer: String, subject: String) { (self.issuer, self.subject) = (issuer, subject) }

    package var description: String { "[subject]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The claims of a security event token.
package struct EventClaims: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The kiosk.
    package let iss: String
    /// One receiver.
    package let aud: String
    /// When signed, and when tapped: seconds since 1970.
    package let iat: Int64
    package let toe: Int64
    /// 22 base64url characters; the same on every retransmission.
    package let jti: String
    package let subject: SubjectIdentifier
    package let event: SecurityEvent

    package init(
        iss: String, aud: String, iat: Int64, toe: Int64, jti: String, subject: SubjectIdentifier, event: SecurityEvent
    ) {
        (self.iss, self.aud, self.iat, self.toe, self.jti) = (iss, aud, iat, toe, jti)
        (self.subject, self.event) = (subject, event)
    }

    package static let type = "secevent+jwt"

    package var description: String { "[claims]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
