package import Cryptography
internal import JOSE

/// What a token says (RFC 8417): one event a token. Only an event about a person has a subject. It prints as its URI.
package enum SecurityEvent: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    case person(PersonEvent, SubjectIdentifier)
    case kiosk(KioskEvent)

    package var uri: String {
        switch self {
        case .person(let event, _): event.name.rawValue
        case .kiosk(let event): event.name.rawValue
        }
    }

    package var description: String { uri }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The events' names in tokens.
enum EventURI: String {
    case presented = "urn:kazashi:presented"
    case registered = "urn:kazashi:registered"
    case suspended = "urn:kazashi:suspended"
    case removed = "urn:kazashi:removed"
    case attributesChanged = "urn:kazashi:attributes-changed"
    case replaced = "urn:kazashi:replaced"
    case withdrawn = "urn:kazashi:withdrawn"
    case presenceEnded = "urn:kazashi:presence-ended"
    case outOfService = "urn:kazashi:out-of-service"
    case cardLeft = "urn:kazashi:card-left"
}

/// Events about the holder of a pseudonym.
package enum PersonEvent: Hashable, Sendable {
    /// The holder is at this kiosk now. `serviceID` is the library card number, where known.
    case presented(serviceID: Confidential<String>?)
    case registered
    case suspended
    case removed
    case attributesChanged
    /// The pseudonym takes the place of `previous`.
    case replaced(previous: Confidential<String>)

    var name: EventURI {
        switch self {
        case .presented: .presented
        case .registered: .registered
        case .suspended: .suspended
        case .removed: .removed
        case .attributesChanged: .attributesChanged
        case .replaced: .replaced
        }
    }
}

/// Events about the kiosk, or about an earlier token by its number.
package enum KioskEvent: Hashable, Sendable {
    /// What was presented under this number did not end welcomed: it is to be dropped, seen or not.
    case withdrawn(TokenID)
    /// The card was taken away: a session that was opened with this number may be closed.
    case presenceEnded(TokenID)
    /// With the contract's cause, such as `revocation`.
    case outOfService(cause: String)
    /// A card was left lying on the reader.
    case cardLeft

    var name: EventURI {
        switch self {
        case .withdrawn: .withdrawn
        case .presenceEnded: .presenceEnded
        case .outOfService: .outOfService
        case .cardLeft: .cardLeft
        }
    }
}

/// `jti`: 128 random bits in 22 base64url characters, the same on every retransmission.
package struct TokenID: Hashable, Sendable {
    package let text: String

    /// A fresh one.
    /// - Throws: `noRandomness`.
    package init() throws(CryptographyError) { text = Base64URL.encode(try SecureRandom.shared.bytes(16)) }

    /// Nil when it is none.
    package init?(_ text: String) {
        guard text.utf8.count == 22, (try? Base64URL.decode(text.utf8)) != nil else { return nil }
        self.text = text
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
