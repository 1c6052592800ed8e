internal import FoundationEssentials

/// Why claims are none of the profile's (the receiver's checks that need no key).
package enum ClaimsError: Error, Equatable, Sendable {
    case malformed
    case unknownEvent
    case subject
}

extension EventClaims {
    /// JSON in UTF-8.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let payload: [String: String] =
            switch event {
            case .presented(let serviceID): serviceID.map { ["service_id": $0] } ?? [:]
            }
        let wire = Wire(
            iss: iss, aud: aud, iat: iat, toe: toe, jti: jti,
            sub_id: ["format": "iss_sub", "iss": subject.issuer, "sub": subject.subject], events: [event.uri: payload])
        return Array(try encoder.encode(wire))
    }

    package init(json: UnsafeRawBufferPointer) throws(ClaimsError) {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)) else { throw .malformed }
        guard wire.sub == nil, wire.exp == nil, let (uri, payload) = wire.events.first, wire.events.count == 1,
            wire.jti.utf8.count == 22
        else { throw .malformed }
        guard uri == "urn:kazashi:presented", payload.keys.allSatisfy({ $0 == "service_id" }) else {
            throw .unknownEvent
        }
        guard wire.sub_id.count == 3, wire.sub_id["format"] == "iss_sub", let issuer = wire.sub_id["iss"],
            let subject = wire.sub_id["sub"], !subject.isEmpty
        else { throw .subject }
        self.init(
            iss: wire.iss, aud: wire.aud, iat: wire.iat, toe: wire.toe, jti: wire.jti,
            subject: SubjectIdentifier(issuer: issuer, subject: subject),
            event: .presented(serviceID: payload["service_id"]))
    }

    private struct Wire: Codable {
        let iss: String
        /// A string: a list of audiences is another profile.
        let aud: String
        let iat: Int64
        let toe: Int64
        let jti: String
        let sub_id: [String: String]
        let events: [String: [String: String]]
        // Only there to be refused.
        var sub: String?
        var exp: Int64?
    }
}
