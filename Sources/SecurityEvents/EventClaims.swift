internal import Cryptography
internal import FoundationEssentials

/// The claims of a security event token (RFC 8417), of the push profile's form.
package struct EventClaims: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The kiosk.
    package let iss: String
    /// One receiver.
    package let aud: String
    /// When signed, and when it happened: seconds since 1970.
    package let iat: Int64
    package let toe: Int64
    package let jti: TokenID
    package let event: SecurityEvent

    package init(iss: String, aud: String, iat: Int64, toe: Int64, jti: TokenID, event: SecurityEvent) {
        (self.iss, self.aud, self.iat, self.toe, self.jti, self.event) = (iss, aud, iat, toe, jti, event)
    }

    package static let type = "secevent+jwt"

    package var description: String { "[claims]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// JSON in UTF-8.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return Array(
            try encoder.encode(
                Wire(
                    iss: iss, aud: aud, iat: iat, toe: toe, jti: jti.text, sub_id: event.subject?.members,
                    events: [event.uri: event.payload])))
    }
}

/// Why claims are none of the profile's (the receiver's checks that need no key).
package enum ClaimsError: Error, Equatable, Sendable {
    case malformed
    case unknownEvent
    case subject
}

/// Claims as they came in: what a receiver needs before it looks at the event, which comes last.
package struct ReceivedClaims: Sendable, CustomStringConvertible, CustomReflectable {
    package let iss: String
    package let aud: String
    package let iat: Int64
    package let toe: Int64
    package let jti: TokenID
    private let uri: String
    private let payload: [String: String]
    private let subject: [String: String]?

    /// - Throws: `malformed`.
    package init(json: UnsafeRawBufferPointer) throws(ClaimsError) {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)), wire.sub == nil, wire.exp == nil,
            let (uri, payload) = wire.events.first, wire.events.count == 1, let jti = TokenID(wire.jti)
        else { throw .malformed }
        (iss, aud, iat, toe, self.jti) = (wire.iss, wire.aud, wire.iat, wire.toe, jti)
        (self.uri, self.payload, subject) = (uri, payload, wire.sub_id)
    }

    /// A person's presence has a shorter life than anything else.
    package var isPresented: Bool { uri == EventURI.presented.rawValue }

    /// - Throws: `unknownEvent`: the URI, or a payload that is not the event's; `subject`: missing, of another form,
    ///   or there where the event has none.
    package func event() throws(ClaimsError) -> SecurityEvent {
        guard let name = EventURI(rawValue: uri) else { throw .unknownEvent }
        if let event = KioskEvent(name, payload: payload) {
            guard subject == nil else { throw .subject }
            return .kiosk(event)
        }
        guard let event = PersonEvent(name, payload: payload) else { throw .unknownEvent }
        guard let subject, subject.count == 3, subject["format"] == "iss_sub", let issuer = subject["iss"],
            let ppid = subject["sub"], !ppid.isEmpty
        else { throw .subject }
        return .person(event, SubjectIdentifier(issuer: issuer, subject: ppid))
    }

    package var description: String { "[claims]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The claims in JSON; `sub` and `exp` are only there to be refused, and a list of audiences is another profile.
private struct Wire: Codable {
    let iss: String
    let aud: String
    let iat: Int64
    let toe: Int64
    let jti: String
    var sub_id: [String: String]?
    let events: [String: [String: String]]
    var sub: String?
    var exp: Int64?
}

extension SecurityEvent {
    package var subject: SubjectIdentifier? {
        if case .person(_, let subject) = self { subject } else { nil }
    }

    fileprivate var payload: [String: String] {
        switch self {
        case .person(let event, _): event.payload
        case .kiosk(let event): event.payload
        }
    }
}

extension SubjectIdentifier {
    fileprivate var members: [String: String] { ["format": "iss_sub", "iss": issuer, "sub": subject] }
}

extension PersonEvent {
    /// The event's members in the token.
    var payload: [String: String] {
        switch self {
        case .presented(let serviceID): serviceID.map { ["service_id": $0.revealed] } ?? [:]
        case .registered, .suspended, .removed, .attributesChanged: [:]
        case .replaced(let previous): ["previous": previous.revealed]
        }
    }

    /// Nil for another event, or members that are not the event's.
    init?(_ name: EventURI, payload: [String: String]) {
        switch name {
        case .presented: self = .presented(serviceID: payload["service_id"].map { .init($0) })
        case .registered: self = .registered
        case .suspended: self = .suspended
        case .removed: self = .removed
        case .attributesChanged: self = .attributesChanged
        case .replaced:
            guard let previous = payload["previous"], !previous.isEmpty else { return nil }
            self = .replaced(previous: .init(previous))
        case .withdrawn, .presenceEnded, .outOfService, .cardLeft: return nil
        }
        guard self.payload == payload else { return nil }
    }
}

extension KioskEvent {
    var payload: [String: String] {
        switch self {
        case .withdrawn(let jti), .presenceEnded(let jti): ["jti": jti.text]
        case .outOfService(let cause): ["cause": cause]
        case .cardLeft: [:]
        }
    }

    init?(_ name: EventURI, payload: [String: String]) {
        let jti = payload["jti"].flatMap { TokenID($0) }
        switch name {
        case .withdrawn:
            guard let jti else { return nil }
            self = .withdrawn(jti)
        case .presenceEnded:
            guard let jti else { return nil }
            self = .presenceEnded(jti)
        case .outOfService:
            guard let cause = payload["cause"] else { return nil }
            self = .outOfService(cause: cause)
        case .cardLeft: self = .cardLeft
        case .presented, .registered, .suspended, .removed, .attributesChanged, .replaced: return nil
        }
        guard self.payload == payload else { return nil }
    }
}
