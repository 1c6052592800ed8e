@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Glibc
import HTTPClient
import JOSE
import Synchronization
import TestRig
import Testing

@Suite(.timeLimit(.minutes(3))) struct PushTests {
    @Test(
        "A token arrives, passes every check, and is acknowledged", arguments: Pair.Channel.allCases, Pair.Form.allCases
    )
    func acknowledged(channel: Pair.Channel, form: Pair.Form) async throws {
        let pair = try await Pair(channel, form)
        await pair.announcer.prepare()
        #expect(try await pair.push() == .acknowledged)
        let event = try #require(await pair.accepted(1).first)
        #expect(event.iss == Pair.kiosk && !event.isDuplicate)
        #expect(
            event.event
                == .person(
                    .presented(serviceID: Confidential("20260000000017")),
                    SubjectIdentifier(issuer: Pair.platform, subject: "PPID-1")))
        await pair.stop()
    }

    @Test("A desk that knows another key, another audience, or a disabled kiosk refuses by name")
    func refused() async throws {
        let other = SigningKey(try P256PrivateKey.generate())
        let cases: [(Pair, PushError)] = [
            (try await Pair(kioskKeyAtDesk: other), .invalidKey),
            (try await Pair(audience: "https://other.example"), .invalidAudience),
            (try await Pair(disabled: true), .accessDenied),
            (try await Pair(.udp, audience: "https://other.example"), .invalidAudience),
            (try await Pair(.udp, disabled: true), .accessDenied),
        ]
        for (pair, error) in cases {
            // Over UDP another audience signs as itself, and is a stranger to this kiosk.
            let isStranger = error == .invalidAudience && pair !== cases[1].0
            let delivery = try await pair.push(within: isStranger ? .milliseconds(800) : .seconds(20))
            #expect(delivery == (isStranger ? .unreachable : .refused(error)))
            await pair.stop()
        }
    }

    @Test("200, a redirect and garbage are no acknowledgement; 500, half an answer and silence end unreachable")
    func otherAnswers() async throws {
        let pair = try await Pair()
        for (behaviour, delivery) in [
            (PushServer.Behaviour.answers(200), Delivery.refused(nil)), (.answers(302), .refused(nil)),
            (.answers(404), .refused(nil)), (.refuses(.accessDenied), .refused(.accessDenied)),
            (.answers(500), .unreachable), (.answers(599), .unreachable), (.slow(.seconds(30)), .unreachable),
        ] {
            await pair.server.behave(behaviour)
            #expect(try await pair.push() == delivery, "\(behaviour)")
        }
        await pair.stop()
        #expect(try await pair.push() == .unreachable)
    }

    @Test("An answer that breaks off, is endless, or names an error that nobody knows; a 202 with a body is a yes")
    func brokenAnswers() async throws {
        let keys = try Pair.Keys()
        let page = [UInt8](repeating: 0x41, count: 9_000)
        for (reply, delivery) in [
            (ScriptedServer.Reply("202 Accepted", body: Array("accepted".utf8)), Delivery.acknowledged),
            (.init("202 Accepted", headers: ["Content-Type: text/html"], body: page), .acknowledged),
            (.init("202 Accepted", body: Array(#"{"err":"invalid_issuer"}"#.utf8)), .acknowledged),
            // A failure's page may be as long as it likes: it is tried again all the same.
            (.init("503 Busy", body: page), .unreachable), (.init("429 Too Many", body: page), .unreachable),
            (.init("404 None", body: page), .refused(nil)),
            (.init("202 Accepted", body: Array("never sent whole".utf8), sent: 3), .unreachable),
            (.init("400 Bad Request", body: [UInt8](repeating: 0x41, count: 9_000)), .refused(nil)),
            (.init("400 Bad Request", body: Array(#"{"err":"no_such_name"}"#.utf8)), .refused(nil)),
            (
                .init("400 Bad Request", body: Array(#"{"err":"invalid_issuer","description":"x"}"#.utf8)),
                .refused(.invalidIssuer)
            ),
            (.init("no number at all"), .unreachable),
        ] {
            let server = try ScriptedServer { _ in reply }
            let announcer = Pair.announcer(
                [
                    Library(
                        name: "central", audience: Pair.audience, endpoint: .loopback(url: server.url("events")),
                        suite: keys.suite(.nested))
                ], keys: keys)
            let sealed = try await announcer.seal([Pair.statement()], tapped: 0)
            #expect(await announcer.deliver(sealed, deadline: .now + .seconds(20)) == delivery, "\(reply.status)")
            server.stop()
        }
    }

    /// Pushes to a server that is busy, and says when the tokens came.
    private func arrivals(retryAfter: Int, deadline: Duration) async throws -> [ContinuousClock.Instant] {
        let keys = try Pair.Keys()
        let times = Mutex<[ContinuousClock.Instant]>([])
        let server = try ScriptedServer { request in
            // An OPTIONS request comes beside it and warms the connection.
            if request.headers["content-type"] == "application/secevent+jwt" { times.withLock { $0.append(.now) } }
            return .init("503 Unavailable", headers: ["Retry-After: \(retryAfter)"])
        }
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .loopback(url: server.url("events")),
                    suite: keys.suite(.nested))
            ], keys: keys)
        let sealed = try await announcer.seal([Pair.statement()], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + deadline) == .unreachable)
        server.stop()
        return times.withLock { $0 }
    }

    @Test("Retry-After is honoured; a pause that the deadline forbids ends the attempts")
    func retryAfter() async throws {
        let patient = try await arrivals(retryAfter: 1, deadline: .seconds(60))
        #expect(patient.count == 3)
        for (earlier, later) in zip(patient, patient.dropFirst()) { #expect(later - earlier >= .seconds(1)) }
        #expect(try await arrivals(retryAfter: 60, deadline: .seconds(50)).count == 1)
    }

    @Test("A registration that names no configured library makes no token")
    func noLibrary() async throws {
        let pair = try await Pair()
        await #expect(throws: AnnouncementError.noLibrary) {
            try await pair.announcer.seal([Pair.statement("x")], tapped: 0)
        }
        await pair.stop()
    }

    @Test("The longest token of the profile fits 1232 bytes, in both suites", arguments: Pair.Form.allCases)
    func size(form: Pair.Form) async throws {
        let keys = try Pair.Keys()
        let name = String(repeating: "k", count: 24)
        let library = Library(
            name: "l", audience: name, endpoint: .udp(host: "127.0.0.1", port: 9), suite: keys.suite(form))
        let announcer = Announcer(
            kiosk: name, platform: name, signingKey: keys.kiosk, libraries: [library], http: CurlClient(),
            now: { 1_795_285_200 })
        let ppid = String(repeating: "p", count: 64)
        let sealed = try await announcer.seal(
            [Statement(library: "l", ppid: Confidential(ppid), serviceID: Confidential("12345678901234"))],
            tapped: 1_795_285_200)
        let size = try #require(sealed.tokens.first?.count)
        #expect(size <= 1_232, "\(size) bytes")
        // What configuration and import are checked with is the size itself.
        let claims = EventClaims(
            iss: name, aud: name, iat: 1_795_285_200, toe: 1_795_285_200, jti: try TokenID(),
            event: .person(
                .presented(serviceID: Confidential("12345678901234")),
                SubjectIdentifier(issuer: name, subject: ppid)))
        #expect(SealedToken.size(of: claims, suite: library.suite, signingKeyID: keys.kiosk.keyID) == size)
    }
}
