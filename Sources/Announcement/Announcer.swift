internal import Clock
internal import Cryptography
internal import Glibc
package import HTTPClient
package import JOSE
package import Login
package import Registry
internal import SecurityEvents
internal import Synchronization

/// What one library is to be told about one tap.
struct Statement: Sendable {
    let library: String
    let ppid: Confidential<String>
    let serviceID: Confidential<String>?

    init(library: String, ppid: Confidential<String>, serviceID: Confidential<String>?) {
        (self.library, self.ppid, self.serviceID) = (library, ppid, serviceID)
    }
}

/// Tells libraries about taps. One token a library, each with its own pseudonym and `jti`: two libraries can't link what
/// they got.
package final class Announcer: Sendable {
    private let platform: String
    private let transmitters: [Transmitter]
    private let followUpLimit: Duration
    private let followUps = Mutex(FollowUps())
    private let now: @Sendable () -> Int64?

    private struct FollowUps {
        var count = 0
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    /// - Parameters:
    ///   - kiosk: `iss`.
    ///   - platform: `iss` of the subject identifier.
    ///   - followUpLimit: how long a withdrawal, or the end of a presence, is tried.
    ///   - now: seconds since 1970; nil while no time is believed.
    ///   - acknowledged: told of each acknowledgement: by which library, and how long after the sending.
    package init(
        kiosk: String, platform: String, signingKey: SigningKey, libraries: [Library], http: CurlClient,
        followUpLimit: Duration = .seconds(60), now: @escaping @Sendable () -> Int64?,
        acknowledged: @escaping @Sendable (String, Duration) -> Void = { _, _ in }
    ) {
        (self.platform, self.followUpLimit, self.now) = (platform, followUpLimit, now)
        transmitters = libraries.map {
            Transmitter(
                $0, kiosk: kiosk, signingKey: signingKey, http: http, now: now, acknowledged: acknowledged)
        }
    }

    /// Does ahead of the next tap what does not depend on the patron.
    package func prepare() async {
        for transmitter in transmitters { await transmitter.prepare() }
    }

    /// Takes new keys: its own, and those of the libraries' files.
    package func renew(signingKey: SigningKey) async {
        for transmitter in transmitters { await transmitter.renew(signingKey: signingKey) }
    }

    func transmitter(for library: String) -> Transmitter? {
        transmitters.first { $0.library.name == library }
    }

    /// Signs and seals one token for each library that the registration names; nothing leaves. A library that it does not
    /// name gets nothing.
    /// - Parameter tapped: when the card was seen, seconds since 1970.
    package func seal(_ active: ActiveRegistration, of presence: Presence, tapped: Int64)
        async throws(AnnouncementError)
        -> TapAnnouncement
    {
        let registration = active.registration
        let statements = registration.ppids.map { library, ppid in
            Statement(library: library, ppid: ppid, serviceID: registration.serviceIDs[library])
        }
        return try await seal(statements, tapped: tapped, of: .init(presence, active.id))
    }

    func seal(_ statements: [Statement], tapped: Int64, of origin: TapAnnouncement.Origin? = nil)
        async throws(AnnouncementError) -> TapAnnouncement
    {
        var items: [TapAnnouncement.Item] = []
        var tooLarge: [String] = []
        for transmitter in transmitters {
            guard let statement = statements.first(where: { $0.library == transmitter.library.name }) else { continue }
            guard let jti = try? TokenID() else { throw .token(.failed) }
            let event = SecurityEvent.person(
                .presented(serviceID: statement.serviceID),
                SubjectIdentifier(issuer: platform, subject: statement.ppid.revealed))
            do throws(TokenError) {
                items.append(.init(transmitter, try await transmitter.seal(event, jti: jti, toe: tapped)))
            } catch .tooLarge where !transmitter.library.isRequired {
                // Its trouble, and nobody else's.
                tooLarge.append(transmitter.library.name)
            } catch {
                throw .token(error)
            }
        }
        guard !items.isEmpty else { throw tooLarge.isEmpty ? .noLibrary : .token(.tooLarge) }
        for item in items { await item.transmitter.warm() }
        return TapAnnouncement(items, of: origin, leftOut: tooLarge)
    }

    /// Sends the tokens side by side and waits for those of the required libraries; where none of them is required, for
    /// one of the others. Nothing of it is sent after `deadline`.
    package func deliver(_ cleared: ClearedAnnouncement, deadline: ContinuousClock.Instant) async -> Delivery {
        await deliver(cleared.announcement, deadline: deadline)
    }

    func deliver(_ announcement: TapAnnouncement, deadline: ContinuousClock.Instant) async -> Delivery {
        await announcement.deliver(until: deadline)
    }

    /// Sends a library a token that says nothing: the withdrawal of a number that was never given. Whether it is
    /// acknowledged shows that keys, audience and clocks agree. Without a time that is believed none leaves.
    package func probe(_ library: String, deadline: ContinuousClock.Instant) async -> Delivery {
        guard let transmitter = transmitter(for: library), let nobody = try? TokenID(), let jti = try? TokenID(),
            let now = now(),
            let token = try? await transmitter.seal(.kiosk(.withdrawn(nobody)), jti: jti, toe: now)
        else { return .unreachable }
        return await transmitter.push(token, deadline: deadline)
    }

    /// Takes back what left: the tap did not end welcomed. It is tried for a minute, apart from everything else.
    package func withdraw(_ announcement: TapAnnouncement) {
        for item in announcement.end() where item.mayHaveArrived { followUp(item, with: .withdrawn(item.token.jti)) }
    }

    /// Says that the card was taken away. Where the welcome's token is still on its way, it is taken back.
    package func endPresence(_ announcement: TapAnnouncement) {
        for item in announcement.end() where item.mayHaveArrived {
            let isKnown = item.delivery == .acknowledged
            followUp(item, with: isKnown ? .presenceEnded(item.token.jti) : .withdrawn(item.token.jti))
        }
    }

    private func followUp(_ item: TapAnnouncement.Item, with event: KioskEvent) {
        let limit = ContinuousClock.now + followUpLimit
        followUps.withLock { $0.count += 1 }
        // When it happened: now, by whatever time there was.
        Task { [transmitter = item.transmitter, toe = now() ?? item.token.iat] in
            defer { ended() }
            guard let jti = try? TokenID() else { return }
            var backoff = Backoff(first: .seconds(1), longest: .seconds(10))
            while ContinuousClock.now < limit {
                // Signed anew each time: it is as old as the attempt.
                guard let token = try? await transmitter.seal(.kiosk(event), jti: jti, toe: toe) else { return }
                let delivery = await transmitter.push(token, deadline: min(limit, .now + .seconds(5)))
                guard delivery == .unreachable || delivery == .refused(.staleIssueTime),
                    (try? await Task.sleep(for: backoff.failed())) != nil
                else { return }
            }
        }
    }

    private func ended() {
        let waiting = followUps.withLock { followUps -> [AsyncStream<Never>.Continuation] in
            followUps.count -= 1
            guard followUps.count == 0 else { return [] }
            defer { followUps.waiting = [] }
            return followUps.waiting
        }
        for continuation in waiting { continuation.finish() }
    }

    /// Comes back when every withdrawal, and every end of a presence, was answered or given up, or when `limit` has passed.
    package func settle(within limit: Duration) async {
        let (ends, continuation) = AsyncStream<Never>.makeStream()
        let isBusy = followUps.withLock { followUps in
            if followUps.count > 0 { followUps.waiting.append(continuation) }
            return followUps.count > 0
        }
        guard isBusy else { return }
        let timer = Task {
            try? await Task.sleep(for: limit)
            continuation.finish()
        }
        for await _ in ends {}
        timer.cancel()
    }
}
