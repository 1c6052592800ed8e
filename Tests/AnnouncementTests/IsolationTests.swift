@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Dispatch
import Foundation
import GRDB
import Glibc
import HTTPClient
import JOSE
import Synchronization
import Testing

/// One library's trouble is no other's.
@Suite(.timeLimit(.minutes(2))) struct IsolationTests {
    private let keys: Pair.Keys

    init() throws { keys = try Pair.Keys() }

    /// A name service that never answers about `silent.example` before it is released, and knows this machine as
    /// `ils.example`.
    private final class NameService: Sendable {
        private let release = DispatchSemaphore(value: 0)
        private let asked = AsyncStream<String>.makeStream()

        var client: CurlClient {
            CurlClient(
                resolver: HostResolver { host in
                    self.asked.continuation.yield(host)
                    guard host != "silent.example" else {
                        self.release.wait()
                        return []
                    }
                    return HostAddress.lookUp("127.0.0.1")
                })
        }

        /// Until the silent one was asked about.
        func isAsked() async {
            for await host in asked.stream where host == "silent.example" { return }
        }

        func stop() { release.signal() }
    }

    private func silent(_ channel: Pair.Channel, isRequired: Bool = false) -> Library {
        Library(
            name: "silent", audience: "silent",
            endpoint: channel == .http
                ? .https(url: "https://silent.example/events", tls: TLSOptions())
                : .udp(host: "silent.example", port: 9),
            isRequired: isRequired, suite: keys.suite(.direct))
    }

    private func announcer(_ libraries: [Library], _ client: CurlClient, keys: Pair.Keys) -> Announcer {
        Announcer(
            kiosk: Pair.kiosk, platform: Pair.platform, signingKey: keys.kiosk, libraries: libraries, http: client,
            now: { Int64(time(nil)) })
    }

    @Test(
        "A name service that is silent about one library holds up no other's tap, and nothing leaves for the one",
        arguments: [Pair.Channel.http, .udp])
    func tap(channel: Pair.Channel) async throws {
        let names = NameService()
        let pair = try await Pair()
        let near = Library(
            name: "near", audience: Pair.audience,
            endpoint: .loopback(url: "http://ils.example:\(pair.httpPort)/events"), suite: pair.keys.suite(.nested))
        let announcer = announcer([silent(channel), near], names.client, keys: pair.keys)
        await announcer.prepare()
        await names.isAsked()
        let sealed = try await announcer.seal(
            [Pair.statement("silent"), Pair.statement("near")], tapped: Int64(time(nil)))
        #expect(await announcer.deliver(sealed, deadline: .now + .seconds(60)) == .acknowledged)
        // Nothing is taken back from the one, for nothing left: the other's end of presence is all that is said.
        announcer.endPresence(sealed)
        let events = await pair.accepted(2)
        #expect(events.last?.event == events.first.map { .kiosk(.presenceEnded($0.jti)) })
        names.stop()
        await pair.stop()
    }

    @Test(
        "A library whose name is not answered is told at the deadline; its token never left",
        arguments: [Pair.Channel.http, .udp])
    func deadline(channel: Pair.Channel) async throws {
        let names = NameService()
        let transmitter = Transmitter(
            silent(channel), kiosk: Pair.kiosk, signingKey: keys.kiosk, http: names.client, now: { 0 })
        let token = try await transmitter.seal(.kiosk(.cardLeft), jti: TokenID(), toe: 0)
        #expect(await transmitter.push(token, deadline: .now + .milliseconds(100)) == .unreachable)
        let waiting = Task { await transmitter.push(token, deadline: .now + .seconds(3_600)) }
        waiting.cancel()
        #expect(await waiting.value == .unreachable)
        #expect(!token.wasSent)
        names.stop()
    }

    @Test("A name that takes longer than the time to connect is reached within the deadline")
    func slowName() async throws {
        let pair = try await Pair()
        let release = DispatchSemaphore(value: 0)
        let client = CurlClient(
            resolver: HostResolver { _ in
                release.wait()
                return HostAddress.lookUp("127.0.0.1")
            })
        let transmitter = Transmitter(
            Library(
                name: "central", audience: Pair.audience,
                endpoint: .loopback(url: "http://ils.example:\(pair.httpPort)/events"),
                suite: pair.keys.suite(.nested)), kiosk: Pair.kiosk, signingKey: pair.keys.kiosk, http: client,
            now: { Int64(time(nil)) })
        let token = try await transmitter.seal(.kiosk(.cardLeft), jti: TokenID(), toe: 0)
        let slow = Task {
            // Longer than three attempts have for their connections.
            try await Task.sleep(for: .seconds(4))
            release.signal()
        }
        #expect(await transmitter.push(token, deadline: .now + .seconds(60)) == .acknowledged)
        try await slow.value
        await pair.stop()
    }

    @Test("What is owed to other libraries goes on while one's name is not answered")
    func owed() async throws {
        let names = NameService()
        let pair = try await Pair()
        let outbox = try Outbox(database: DatabaseQueue(), storageKey: SecureRandom.shared.secret(32))
        let near = Library(
            name: "near", audience: Pair.audience,
            endpoint: .loopback(url: "http://127.0.0.1:\(pair.httpPort)/events"), suite: pair.keys.suite(.nested))
        let announcer = announcer([silent(.http), near], names.client, keys: pair.keys)
        let courier = OutboxCourier(
            outbox: outbox, announcer: announcer, libraries: ["silent", "near"], interval: .milliseconds(20),
            attempt: .seconds(600), now: { Int64(time(nil)) }, report: { _ in })
        for library in ["silent", "near", "near"] {
            try await outbox.add(OwedEvent(library: library, event: .kiosk(.cardLeft), toe: Int64(time(nil))))
        }
        let running = Task { await courier.run() }
        #expect(await pair.accepted(2).map(\.event) == [.kiosk(.cardLeft), .kiosk(.cardLeft)])
        while try await outbox.depth() != ["silent": 1] { await Task.yield() }
        running.cancel()
        await running.value
        names.stop()
        await pair.stop()
    }

    @Test("A socket that is busy with what it gets holds up no other's datagrams")
    func busySocket() async throws {
        let echo = try ScriptedDatagrams { datagram, _ in [datagram] }
        let address = try #require(HostAddress.lookUp("127.0.0.1").first)
        let release = DispatchSemaphore(value: 0)
        let (heard, arrived) = AsyncStream<String>.makeStream()
        let busy = try #require(
            DatagramSocket(to: address, port: echo.port) { _ in
                arrived.yield("busy")
                release.wait()
            })
        let other = try #require(DatagramSocket(to: address, port: echo.port) { _ in arrived.yield("other") })
        #expect(busy.send([1]))
        var order: [String] = []
        for await name in heard {
            order.append(name)
            if order.count == 2 { break }
            #expect(other.send([2]))
        }
        #expect(order == ["busy", "other"])
        release.signal()
        echo.stop()
    }

    @Test(
        "A token that was withheld never leaves, over either channel; one that left goes on",
        arguments: [Pair.Channel.http, .udp])
    func withheld(channel: Pair.Channel) async throws {
        let pair = try await Pair(channel)
        let never = try await pair.seal()
        pair.announcer.withdraw(never)
        #expect(await pair.announcer.deliver(never, deadline: .now + .milliseconds(700)) == .unreachable)
        let other = try await pair.announcer.seal([Pair.statement(ppid: "PPID-2")], tapped: Int64(time(nil)))
        #expect(await pair.announcer.deliver(other, deadline: .now + .seconds(20)) == .acknowledged)
        pair.announcer.endPresence(other)
        let events = await pair.accepted(2)
        #expect(events.first?.event?.subject?.subject == "PPID-2")
        #expect(events.last?.event == events.first.map { .kiosk(.presenceEnded($0.jti)) })
        await pair.stop()
    }
}
