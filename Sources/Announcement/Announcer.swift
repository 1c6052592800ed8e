internal import Cryptography
package import HTTPClient
package import JOSE
internal import Synchronization

/// What one library is to be told about one tap.
package struct Statement: Sendable {
    package let library: String
    package let ppid: String
    package let serviceID: String?

    package init(library: String, ppid: String, serviceID: String?) {
        (self.library, self.ppid, self.serviceID) = (library, ppid, serviceID)
    }
}

/// Tokens of one tap, sealed, not sent. Overwritten when it is dropped.
package final class SealedAnnouncement: Sendable {
    fileprivate struct Item: Sendable {
        let library: Library
        let token: [UInt8]
    }
    fileprivate let items: Mutex<[Item]>

    fileprivate init(_ items: [Item]) { self.items = Mutex(items) }

    /// The tokens as they would go out: for tests of their form.
    package var tokens: [[UInt8]] { items.withLock { $0.map(\.token) } }
}

/// Makes tokens and delivers them. One token a library, each with its own pseudonym and `jti`: two libraries can't link
/// what they got.
package actor Announcer {
    private let kiosk: String
    private let platform: String
    private let signingKey: SigningKey
    private let libraries: [Library]
    private let http: CurlClient
    private var prepared: [String: PreparedAgreement] = [:]
    /// When each library was last spoken to: its connection may be gone after a while.
    private var lastSpoken: [String: ContinuousClock.Instant] = [:]

    /// - Parameters:
    ///   - kiosk: `iss`.
    ///   - platform: `iss` of the subject identifier.
    package init(
        kiosk: String, platform: String, signingKey: SigningKey, libraries: [Library], http: CurlClient
    ) {
        (self.kiosk, self.platform, self.signingKey) = (kiosk, platform, signingKey)
        (self.libraries, self.http) = (libraries, http)
    }

    /// Does ahead of the next tap what does not depend on the patron: an ephemeral key for each library, and the key
    /// agreed with it. Each is used once.
    package func prepare() {
        for library in libraries where prepared[library.name] == nil {
            prepared[library.name] = try? PreparedAgreement(with: library.receiver)
        }
    }

    /// Signs and seals one token for each library that is told something; nothing leaves.
    /// - Parameters:
    ///   - now: when signed, seconds since 1970.
    ///   - tapped: when the card was seen.
    package func seal(_ statements: [Statement], now: Int64, tapped: Int64) throws(AnnouncementError)
        -> SealedAnnouncement
    {
        var items: [SealedAnnouncement.Item] = []
        for library in libraries {
            guard let statement = statements.first(where: { $0.library == library.name }) else { continue }
            let token = try token(statement, for: library, now: now, tapped: tapped)
            guard token.count <= 1_452 else { throw .tooLarge }
            items.append(SealedAnnouncement.Item(library: library, token: token))
        }
        guard !items.isEmpty else { throw .noLibrary }
        warm(items.map(\.library))
        return SealedAnnouncement(items)
    }

    /// Opens connections while the card still works, to the libraries that may be told something in a moment: an OPTIONS
    /// request (RFC 9110 9.3.7) that says nothing. What it is answered does not matter.
    private func warm(_ libraries: [Library]) {
        for library in libraries where lastSpoken[library.name].map({ $0 + .seconds(10) < .now }) ?? true {
            let http = http
            Task {
                _ = try? await http.send(HTTPRequest(.options, library.url, timeout: .seconds(1), tls: library.tls))
            }
        }
        for library in libraries { lastSpoken[library.name] = .now }
    }

    private func token(_ statement: Statement, for library: Library, now: Int64, tapped: Int64)
        throws(AnnouncementError) -> [UInt8]
    {
        do {
            let claims = EventClaims(
                iss: kiosk, aud: library.audience, iat: now, toe: tapped,
                jti: Base64URL.encode(try SecureRandom.shared.bytes(16)),
                subject: SubjectIdentifier(issuer: platform, subject: statement.ppid),
                event: .presented(serviceID: statement.serviceID))
            var payload = try claims.encoded()
            defer { wipe(&payload) }
            var signed = try JWS.sign(payload, type: EventClaims.type, key: signingKey)
            defer { wipe(&signed) }
            let agreement = try prepared.removeValue(forKey: library.name) ?? PreparedAgreement(with: library.receiver)
            return try agreement.seal(signed)
        } catch {
            throw .tokenFailed
        }
    }

    /// Sends the tokens side by side and waits for those of the required libraries; nothing is sent after `deadline`.
    package nonisolated func deliver(_ announcement: SealedAnnouncement, deadline: ContinuousClock.Instant) async
        -> Delivery
    {
        let items = announcement.items.withLock { items in
            defer { items = [] }
            return items
        }
        return await withTaskGroup(of: (isRequired: Bool, delivery: Delivery).self) { group in
            for item in items {
                group.addTask { [http] in
                    (
                        item.library.isRequired,
                        await HTTPDelivery(item.library, http).push(item.token, deadline: deadline)
                    )
                }
            }
            var result = Delivery.acknowledged
            for await (isRequired, delivery) in group where isRequired && delivery != .acknowledged {
                // A refusal says more than silence.
                if case .refused = result { continue }
                result = delivery
            }
            return result
        }
    }
}
