internal import FoundationEssentials
package import HTTPClient
package import JOSE
package import SecurityEvents

/// The kiosk's side of the push to one library (RFC 8935's SET Transmitter): makes its tokens, and carries them by the
/// channel that is configured.
package actor Transmitter {
    package nonisolated let library: Library
    private let kiosk: String
    private let http: CurlClient
    private let now: @Sendable () -> Int64?
    private let acknowledged: @Sendable (String, Duration) -> Void
    private let keys: LibraryKeys
    private var signingKey: SigningKey
    private var prepared: PreparedAgreement?
    /// When it was last spoken to: its connection may be gone after a while.
    private var lastSpoken: ContinuousClock.Instant?

    /// - Parameter now: seconds since 1970; nil while no time is believed.
    package init(
        _ library: Library, kiosk: String, signingKey: SigningKey, http: CurlClient,
        now: @escaping @Sendable () -> Int64?,
        acknowledged: @escaping @Sendable (String, Duration) -> Void = { _, _ in }
    ) {
        self.acknowledged = acknowledged
        (self.library, self.kiosk, self.signingKey, self.http) = (library, kiosk, signingKey, http)
        (self.now, keys) = (now, LibraryKeys(of: library))
    }

    /// Does ahead of the next tap what does not depend on the patron: an ephemeral key, the key agreed with the
    /// library, each used once, and the library's addresses.
    package func prepare() {
        switch library.endpoint {
        case .udp(let host, _): http.resolver.known(host)
        case .https(let url, _), .loopback(let url), .plainHTTP(let url): http.findAhead(url)
        }
        guard case .nested(let receiver, _, _) = keys.current().suite, prepared?.receiver != receiver else { return }
        prepared = try? PreparedAgreement(with: receiver)
    }

    /// Takes new keys: its own, and what the library's files say now.
    func renew(signingKey: SigningKey) {
        self.signingKey = signingKey
        _ = keys.renewed()
        prepare()
    }

    /// - Parameters:
    ///   - jti: the same one for the same event, however often it is signed anew.
    ///   - toe: when it happened, seconds since 1970.
    /// - Throws: `noTime` for a presence, while no time is believed. What takes one back leaves all the same, by `toe`.
    package func seal(_ event: SecurityEvent, jti: TokenID, toe: Int64) throws(TokenError) -> SealedToken {
        let (suite, now) = (keys.current().suite, now())
        if now == nil, case .person(.presented, _) = event { throw .noTime }
        let claims = EventClaims(
            iss: kiosk, aud: library.audience, iat: now ?? toe, toe: toe, jti: jti, event: event)
        // What is prepared is for the tap that a person waits for.
        guard case .person(.presented, _) = event else {
            return try SealedToken(claims, suite: suite, signingKey: signingKey)
        }
        defer { prepared = nil }
        return try SealedToken(claims, suite: suite, signingKey: signingKey, prepared: prepared)
    }

    /// A connection may be gone that nothing went over for ten seconds: servers close them.
    static func mayBeGone(spoken: ContinuousClock.Instant?, now: ContinuousClock.Instant) -> Bool {
        guard let spoken else { return true }
        return now - spoken > .seconds(10)
    }

    /// Opens a connection while the card still works, to a library that may be told something in a moment: an OPTIONS
    /// request (RFC 9110 9.3.7) that says nothing. What it is answered does not matter.
    func warm() {
        guard let (url, tls) = library.endpoint.http, Self.mayBeGone(spoken: lastSpoken, now: .now) else { return }
        lastSpoken = .now
        Task { [http] in _ = try? await http.send(HTTPRequest(.options, url, timeout: .seconds(1), tls: tls)) }
    }

    /// Sends until there is an answer that counts or `deadline` has passed. A library that does not know the key gets
    /// the token once more, for the key that its file names now.
    package func push(_ token: SealedToken, deadline: ContinuousClock.Instant) async -> Delivery {
        let start = ContinuousClock.now
        var delivery = await carry(token, deadline: deadline)
        if delivery == .refused(.invalidKey), let again = resealed(token) {
            delivery = await carry(again, deadline: deadline)
        }
        if delivery == .acknowledged { acknowledged(library.name, start.duration(to: .now)) }
        return delivery
    }

    private func resealed(_ token: SealedToken) -> SealedToken? {
        guard case .nested(let receiver, let others, _) = keys.renewed().suite,
            let other = ([receiver] + others).first(where: { $0 != token.receiver })
        else { return nil }
        return try? token.sealed(for: other)
    }

    private func carry(_ token: SealedToken, deadline: ContinuousClock.Instant) async -> Delivery {
        lastSpoken = .now
        let authentication = authentication(of: token)
        if case .udp(let host, let port) = library.endpoint {
            return await UDPDelivery(
                host: host, port: port, resolver: http.resolver, authentication: authentication
            ).push(token, deadline: deadline)
        }
        guard let (url, tls) = library.endpoint.http else { return .unreachable }
        var proof: (@Sendable (String) -> Delivery?)?
        if !library.endpoint.provesWhoAnswers { proof = { authentication(Array($0.utf8)) } }
        return await HTTPDelivery(url: url, tls: tls, http: http, authentication: proof)
            .push(token, deadline: deadline)
    }

    /// Reads an acknowledgement token about `token`: a forged one, a replayed one or a stranger's is none.
    private func authentication(of token: SealedToken) -> @Sendable ([UInt8]) -> Delivery? {
        let (keys, held) = (keys, keys.current())
        let (audience, kiosk, now) = (library.audience, kiosk, now)
        return { bytes in
            func answer(_ version: LibraryKeys.Version) -> Delivery? {
                guard let keys = version.suite.acknowledgementKeys,
                    let acknowledgement = try? VerifiedAcknowledgement(bytes, keys: keys)
                else { return nil }
                return acknowledgement.answer(
                    about: token.jti, from: audience, to: kiosk, signed: token.iat, now: now() ?? token.iat
                ).map(Delivery.init)
            }
            if let delivery = answer(held) { return delivery }
            // The library may have a new key since the token left; the one that it had then counts as well.
            let current = keys.current()
            return current.number == held.number ? nil : answer(current)
        }
    }
}
