@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import JOSE
import Synchronization
import TestRig
import Testing

/// Several libraries, each with a desk of its own.
@Suite(.timeLimit(.minutes(3))) struct SeveralLibrariesTests {
    private struct Branch {
        let keys: Pair.Keys
        let desk: Recipient
        let server: PushServer
        let library: Library

        init(_ name: String, kiosk: SigningKey, isRequired: Bool = true) async throws {
            keys = try Pair.Keys()
            desk = try Recipient(
                verifier: TokenVerifier(
                    audience: name, keys: [keys.library],
                    kiosks: [KnownKiosk(id: Pair.kiosk, key: kiosk.publicJWK)]), now: { Int64(time(nil)) })
            server = try PushServer(desk: desk)
            let port = try await server.start()
            library = Library(
                name: name, audience: name, endpoint: .loopback(url: "http://127.0.0.1:\(port)/events"),
                isRequired: isRequired, suite: keys.suite(.nested))
        }
    }

    private let keys: Pair.Keys

    init() throws { keys = try Pair.Keys() }

    private func next(_ desk: Recipient) async -> AcceptedEvent? {
        for await receipt in desk.receipts {
            if case .success(let event) = receipt.result { return event }
        }
        return nil
    }

    @Test("Each library gets its own pseudonym, audience and number; one that is not named gets nothing")
    func unlinkable() async throws {
        let branches = [
            try await Branch("a", kiosk: keys.kiosk), try await Branch("b", kiosk: keys.kiosk),
            try await Branch("c", kiosk: keys.kiosk),
        ]
        let announcer = Pair.announcer(branches.map(\.library), keys: keys)
        let sealed = try await announcer.seal(
            [Pair.statement("a", ppid: "PPID-A"), Pair.statement("b", ppid: "PPID-B")], tapped: 7)
        #expect(sealed.tokens.count == 2)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(30)) == .acknowledged)
        let (a, b) = (try #require(await next(branches[0].desk)), try #require(await next(branches[1].desk)))
        #expect(a.event?.subject?.subject == "PPID-A" && b.event?.subject?.subject == "PPID-B")
        #expect(a.jti != b.jti)
        // Nothing came to the third: the next thing that it hears is what it is told now.
        let only = try await announcer.seal([Pair.statement("c", ppid: "PPID-C")], tapped: 7)
        _ = await announcer.deliver(only, deadline: .now + .seconds(30))
        #expect(await next(branches[2].desk)?.event?.subject?.subject == "PPID-C")
        for branch in branches { await branch.server.stop() }
    }

    @Test("Tokens go out side by side: neither library answers before both were asked")
    func sideBySide() async throws {
        let asked = Mutex<Set<String>>([])
        let shared = keys.shared
        func answersLate(_ name: String) throws -> ScriptedDatagrams {
            try ScriptedDatagrams { datagram, _ in
                let isAlone = asked.withLock { asked in
                    asked.insert(name)
                    return asked.count < 2
                }
                guard !isAlone,
                    let claims = try? UnopenedJWE(datagram).opened(with: shared).withBytes({
                        try ReceivedClaims(json: $0)
                    }),
                    let answer = try? Acknowledgement(
                        iss: name, aud: Pair.kiosk, iat: Int64(time(nil)), jti: claims.jti
                    ).sealed(under: shared)
                else { return [] }
                return [answer]
            }
        }
        let servers = [try answersLate("a"), try answersLate("b")]
        let libraries = zip(["a", "b"], servers).map { name, server in
            Library(
                name: name, audience: name, endpoint: .udp(host: "127.0.0.1", port: server.port),
                suite: keys.suite(.direct))
        }
        let announcer = Pair.announcer(libraries, keys: keys)
        let sealed = try await announcer.seal([Pair.statement("a"), Pair.statement("b")], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(30)) == .acknowledged)
        servers.forEach { $0.stop() }
    }

    @Test("One that is not required keeps nobody waiting")
    func optional() async throws {
        let done = DispatchSemaphore(value: 0)
        let slow = try ScriptedServer { _ in
            done.wait()
            return .init("202 Accepted")
        }
        let branch = try await Branch("a", kiosk: keys.kiosk)
        let announcer = Pair.announcer(
            [
                branch.library,
                Library(
                    name: "b", audience: "b", endpoint: .loopback(url: slow.url("events")), isRequired: false,
                    suite: keys.suite(.nested)),
            ], keys: keys)
        let sealed = try await announcer.seal([Pair.statement("a"), Pair.statement("b")], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(60)) == .acknowledged)
        done.signal()
        done.signal()
        slow.stop()
        await branch.server.stop()
    }

    @Test("What fits into no token of one library's is that library's trouble, and named; of a required one, the tap's")
    func tooLarge() async throws {
        let branch = try await Branch("a", kiosk: keys.kiosk)
        for isRequired in [false, true] {
            let long = Library(
                name: "b", audience: String(repeating: "b", count: 1_200), endpoint: branch.library.endpoint,
                isRequired: isRequired, suite: keys.suite(.nested))
            let announcer = Pair.announcer([branch.library, long], keys: keys)
            let statements = [Pair.statement("a"), Pair.statement("b")]
            guard !isRequired else {
                await #expect(throws: AnnouncementError.token(.tooLarge)) {
                    try await announcer.seal(statements, tapped: 0)
                }
                continue
            }
            let sealed = try await announcer.seal(statements, tapped: 0)
            #expect(sealed.leftOut == ["b"])
            #expect(await announcer.deliver(sealed, deadline: .now + .seconds(30)) == .acknowledged)
        }
        await branch.server.stop()
    }

    @Test("Where none is required, one of them is enough, and all of them refusing is a refusal")
    func noneRequired() async throws {
        let branches = [
            try await Branch("a", kiosk: keys.kiosk, isRequired: false),
            try await Branch("b", kiosk: keys.kiosk, isRequired: false),
        ]
        let announcer = Pair.announcer(branches.map(\.library), keys: keys)
        func push() async throws -> Delivery {
            let sealed = try await announcer.seal([Pair.statement("a"), Pair.statement("b")], tapped: 0)
            return await announcer.deliver(sealed, deadline: .now + .seconds(30))
        }
        await branches[0].server.behave(.refuses(.accessDenied))
        #expect(try await push() == .acknowledged)
        await branches[1].server.behave(.refuses(.accessDenied))
        #expect(try await push() == .refused(.accessDenied))
        for branch in branches { await branch.server.stop() }
    }

    @Test("When one that is required refuses, what the others got is withdrawn by its number")
    func withdrawn() async throws {
        let branches = [try await Branch("a", kiosk: keys.kiosk), try await Branch("b", kiosk: keys.kiosk)]
        let announcer = Pair.announcer(branches.map(\.library), keys: keys)
        // The refusal waits until the other one has it.
        await branches[1].server.behave(.refuses(.accessDenied))
        let sealed = try await announcer.seal([Pair.statement("a"), Pair.statement("b")], tapped: 0)
        let delivery = Task { await announcer.deliver(sealed, deadline: .now + .seconds(30)) }
        let presented = try #require(await next(branches[0].desk))
        #expect(await delivery.value == .refused(.accessDenied))
        announcer.withdraw(sealed)
        #expect(await next(branches[0].desk)?.event == .kiosk(.withdrawn(presented.jti)))
        for branch in branches { await branch.server.stop() }
    }

    @Test("Nothing is withdrawn that never left, nor from a library that refused it by name")
    func notWithdrawn() async throws {
        let branch = try await Branch("a", kiosk: keys.kiosk)
        let announcer = Pair.announcer([branch.library], keys: keys)
        func seal() async throws -> TapAnnouncement { try await announcer.seal([Pair.statement("a")], tapped: 0) }
        await branch.server.behave(.refuses(.accessDenied))
        let refused = try await seal()
        #expect(await announcer.deliver(refused, deadline: .now + .seconds(30)) == .refused(.accessDenied))
        await branch.server.behave(.normal)
        announcer.withdraw(try await seal())
        announcer.withdraw(refused)
        announcer.endPresence(refused)
        // What follows is all that comes: two taps, and the end of the first.
        let welcomed = try await seal()
        #expect(await announcer.deliver(welcomed, deadline: .now + .seconds(30)) == .acknowledged)
        announcer.endPresence(welcomed)
        let first = try #require(await next(branch.desk))
        #expect(first.event?.subject != nil)
        #expect(await next(branch.desk)?.event == .kiosk(.presenceEnded(first.jti)))
        await branch.server.stop()
    }

    @Test("The end of a presence names the number of the welcome")
    func presenceEnded() async throws {
        let branch = try await Branch("a", kiosk: keys.kiosk)
        let announcer = Pair.announcer([branch.library], keys: keys)
        let sealed = try await announcer.seal([Pair.statement("a")], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(30)) == .acknowledged)
        let presented = try #require(await next(branch.desk))
        announcer.endPresence(sealed)
        #expect(await next(branch.desk)?.event == .kiosk(.presenceEnded(presented.jti)))
        await branch.server.stop()
    }

    @Test("A withdrawal is tried again until it is taken; nothing is withdrawn that never left")
    func persistent() async throws {
        let count = Mutex(0)
        let server = try ScriptedServer { request in
            guard request.headers["content-type"] == "application/secevent+jwt" else { return .init("404 None") }
            // The presence gets no answer that counts, nor does the withdrawal at first.
            return .init(
                count.withLock { count in
                    count += 1
                    return count
                } < 6 ? "503 Busy" : "202 Accepted")
        }
        let announcer = Pair.announcer(
            [
                Library(
                    name: "a", audience: "a", endpoint: .loopback(url: server.url("events")),
                    suite: keys.suite(.nested)),
                Library(
                    name: "b", audience: "b", endpoint: .udp(host: "name.invalid", port: 9),
                    suite: keys.suite(.direct)),
            ], keys: keys)
        let sealed = try await announcer.seal([Pair.statement("a"), Pair.statement("b")], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(60)) == .unreachable)
        // Nothing is under way: there is nothing to wait for.
        await announcer.settle(within: .seconds(600))
        #expect(count.withLock(\.self) == 3)
        announcer.withdraw(sealed)
        await announcer.settle(within: .seconds(600))
        #expect(count.withLock(\.self) == 6)
        server.stop()
    }

    @Test(
        "A withdrawal that is called stale is tried again; one that is refused otherwise is not",
        arguments: [("stale_iat", 3), ("access_denied", 2)])
    func refusedWithdrawal(error: String, posts: Int) async throws {
        let count = Mutex(0)
        let server = try ScriptedServer { request in
            guard request.headers["content-type"] == "application/secevent+jwt" else { return .init("404 None") }
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number == 2
                ? .init("400 Bad Request", body: Array(#"{"err":"\#(error)"}"#.utf8)) : .init("202 Accepted")
        }
        let acknowledged = Mutex<[String]>([])
        let announcer = Pair.announcer(
            [
                Library(
                    name: "a", audience: "a", endpoint: .loopback(url: server.url("events")),
                    suite: keys.suite(.nested))
            ], keys: keys, acknowledged: { name, _ in acknowledged.withLock { $0.append(name) } })
        let sealed = try await announcer.seal([Pair.statement("a")], tapped: 0)
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(60)) == .acknowledged)
        announcer.withdraw(sealed)
        await announcer.settle(within: .seconds(60))
        #expect(count.withLock(\.self) == posts)
        // Told of what was acknowledged, and of nothing else.
        #expect(acknowledged.withLock(\.self) == Array(repeating: "a", count: posts - 1))
        server.stop()
    }

    @Test("A connection that was spoken over ten seconds ago is opened anew before it is needed")
    func warm() {
        let now = ContinuousClock.now
        #expect(Transmitter.mayBeGone(spoken: nil, now: now))
        #expect(!Transmitter.mayBeGone(spoken: now - .seconds(10), now: now))
        #expect(Transmitter.mayBeGone(spoken: now - .seconds(10) - .nanoseconds(1), now: now))
    }

    @Test("A library that has a new key gets the token once more, sealed for it; one that has none does not")
    func newKey() async throws {
        let branch = try await Branch("a", kiosk: keys.kiosk)
        let old = SigningKey(try P256PrivateKey.generate())
        func push(_ reread: @escaping @Sendable () -> Suite?, others: [PublicJWK] = []) async throws -> Delivery {
            let library = Library(
                name: "a", audience: "a", endpoint: branch.library.endpoint,
                suite: .nested(receiver: old.publicJWK, others: others), reread: reread)
            let announcer = Pair.announcer([library], keys: keys)
            let sealed = try await announcer.seal([Pair.statement("a")], tapped: 0)
            return await announcer.deliver(sealed, deadline: .now + .seconds(30))
        }
        #expect(try await push { nil } == .refused(.invalidKey))
        #expect(try await push { .nested(receiver: old.publicJWK) } == .refused(.invalidKey))
        #expect(try await push { branch.library.suite } == .acknowledged)
        #expect(try await push({ nil }, others: [branch.keys.library.publicJWK]) == .acknowledged)
        await branch.server.stop()
    }

    @Test("A kiosk changes its key while the library knows both")
    func kioskRotates() async throws {
        let next = SigningKey(try P256PrivateKey.generate())
        let desk = try Recipient(
            verifier: TokenVerifier(
                audience: Pair.audience, keys: [keys.library],
                kiosks: [
                    KnownKiosk(id: Pair.kiosk, key: keys.kiosk.publicJWK),
                    KnownKiosk(id: Pair.kiosk, key: next.publicJWK),
                ]), now: { Int64(time(nil)) })
        let server = try PushServer(desk: desk)
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience,
                    endpoint: .loopback(url: "http://127.0.0.1:\(try await server.start())/events"),
                    suite: keys.suite(.nested))
            ], keys: keys)
        for key in [keys.kiosk, next] {
            await announcer.renew(signingKey: key)
            let sealed = try await announcer.seal([Pair.statement()], tapped: 0)
            #expect(await announcer.deliver(sealed, deadline: .now + .seconds(30)) == .acknowledged)
        }
        await server.stop()
    }
}

/// Plain HTTP over a network, where anyone can say 202.
@Suite(.timeLimit(.minutes(2))) struct PlainHTTPTests {
    private let keys: Pair.Keys

    init() throws { keys = try Pair.Keys() }

    private func push(_ url: String, _ form: Pair.Form, within limit: Duration = .seconds(20)) async throws -> Delivery
    {
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .plainHTTP(url: url), suite: keys.suite(form))
            ], keys: keys)
        let sealed = try await announcer.seal([Pair.statement()], tapped: Int64(time(nil)))
        return await announcer.deliver(sealed, deadline: .now + limit)
    }

    @Test("The acknowledgement token in the answer's header counts, yes or no", arguments: Pair.Form.allCases)
    func header(form: Pair.Form) async throws {
        for disabled in [false, true] {
            let server = try PushServer(desk: try keys.desk(form, disabled: disabled), acknowledges: true)
            let url = "http://127.0.0.1:\(try await server.start())/events"
            #expect(try await push(url, form) == (disabled ? .refused(.accessDenied) : .acknowledged))
            await server.stop()
        }
    }

    @Test(
        "A forged 202, a forged refusal, or one with somebody else's signature: no answer",
        arguments: Pair.Form.allCases)
    func forged(form: Pair.Form) async throws {
        let stranger = SigningKey(try P256PrivateKey.generate())
        let forgery = Acknowledgement(iss: Pair.audience, aud: Pair.kiosk, iat: Int64(time(nil)), jti: try TokenID())
        let header = String(decoding: try forgery.signed(by: stranger), as: UTF8.self)
        for reply in [
            ScriptedServer.Reply("202 Accepted"),
            .init("202 Accepted", headers: ["Kazashi-Acknowledgement: \(header)"]),
            .init("202 Accepted", headers: ["Kazashi-Acknowledgement: yes"]),
            .init("400 Bad Request", body: Array(#"{"err":"access_denied"}"#.utf8)),
            .init("400 Bad Request", body: [UInt8](repeating: 0x41, count: 9_000)),
        ] {
            let server = try ScriptedServer { _ in reply }
            #expect(try await push(server.url("events"), form, within: .seconds(1)) == .unreachable, "\(reply.status)")
            server.stop()
        }
    }

    @Test("The acknowledgement in the header counts whatever body comes with it")
    func largeBody() async throws {
        let header = Mutex("")
        let server = try ScriptedServer { _ in
            .init(
                "202 Accepted", headers: ["Kazashi-Acknowledgement: \(header.withLock { $0 })"],
                body: [UInt8](repeating: 0x41, count: 9_000))
        }
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .plainHTTP(url: server.url("events")),
                    suite: keys.suite(.direct))
            ], keys: keys)
        let sealed = try await announcer.seal([Pair.statement()], tapped: Int64(time(nil)))
        let token = try #require(sealed.tokens.first)
        let claims = try UnopenedJWE(token).opened(with: keys.shared).withBytes { try ReceivedClaims(json: $0) }
        let answer = Acknowledgement(iss: Pair.audience, aud: Pair.kiosk, iat: Int64(time(nil)), jti: claims.jti)
        let text = String(decoding: try answer.sealed(under: keys.shared), as: UTF8.self)
        header.withLock { $0 = text }
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(20)) == .acknowledged)
        server.stop()
    }
}
