@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE
import Synchronization
import TestRig
import Testing

/// A UDP port on loopback that answers as a test says.
final class ScriptedDatagrams: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let seen = Mutex<[[UInt8]]>([])
    var datagrams: [[UInt8]] { seen.withLock { $0 } }

    /// - Parameter answers: to each datagram, with its number from 0.
    init(_ answers: @escaping @Sendable (_ datagram: [UInt8], _ number: Int) -> [[UInt8]]) throws {
        (descriptor, port) = try LoopbackSocket.bound(SOCK_DGRAM)
        let descriptor = descriptor
        Thread.detachNewThread { [weak self] in
            var number = 0
            while let (datagram, from) = LoopbackSocket.receive(descriptor), !datagram.isEmpty, let self {
                seen.withLock { $0.append(datagram) }
                for answer in answers(datagram, number) {
                    LoopbackSocket.send(answer, over: descriptor, to: from)
                }
                number += 1
            }
        }
    }

    func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

@Suite(.timeLimit(.minutes(3))) struct UDPTests {
    private let keys: Pair.Keys

    init() throws { keys = try Pair.Keys() }

    private func announcer(_ port: UInt16, _ form: Pair.Form = .nested) -> Announcer {
        Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .udp(host: "127.0.0.1", port: port),
                    suite: keys.suite(form))
            ], keys: keys)
    }

    private func push(_ announcer: Announcer, within limit: Duration = .seconds(20)) async throws -> Delivery {
        await announcer.deliver(
            try await announcer.seal([Pair.statement()], tapped: Int64(time(nil))), deadline: .now + limit)
    }

    @Test(
        "A desk that listens on all addresses answers from the one that was asked: kiosks hear no other",
        arguments: [
            ("0.0.0.0", "127.0.0.2", false), ("::", "127.0.0.2", false), ("::", "::1", false),
            // A second address of the loopback is the private namespace's.
            ("::", "fd00:ca2a::2", true),
        ])
    func otherAddress(bound: String, asked: String, needsNamespace: Bool) async throws {
        guard !needsNamespace || Programs.isInPrivateNamespace else { return }
        let server = try DatagramServer(desk: try keys.desk(.nested), address: bound)
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .udp(host: asked, port: server.port),
                    suite: keys.suite(.nested))
            ], keys: keys)
        #expect(try await push(announcer) == .acknowledged)
        server.stop()
    }

    @Test("An empty datagram, and one of a byte, are answered by silence and hold nothing up")
    func emptyDatagram() async throws {
        let pair = try await Pair(.udp, .nested)
        let address = try #require(HostAddress.lookUp("127.0.0.1").first)
        let socket = DatagramSocket(to: address, port: pair.datagrams.port) { _ in }
        let stranger = try #require(socket)
        _ = stranger.send([])
        _ = stranger.send([0x2E])
        #expect(try await pair.push() == .acknowledged)
        await pair.stop()
    }

    @Test("An empty answer is a datagram like any other, and no word of a port that nobody listens at")
    func emptyAnswer() async throws {
        let server = try ScriptedDatagrams { _, _ in [[], [0x2E]] }
        let address = try #require(HostAddress.lookUp("127.0.0.1").first)
        let (datagrams, arrived) = AsyncStream<[UInt8]?>.makeStream()
        let socket = try #require(DatagramSocket(to: address, port: server.port) { arrived.yield($0) })
        #expect(socket.send([1]))
        var seen: [[UInt8]?] = []
        for await datagram in datagrams.prefix(2) { seen.append(datagram) }
        #expect(seen == [[], [0x2E]])
        server.stop()
    }

    @Test(
        "An agreement that was prepared for another key is not used: what is sealed is sealed for the key that it names"
    )
    func otherAgreement() throws {
        let other = SigningKey(try P256PrivateKey.generate())
        let claims = EventClaims(
            iss: Pair.kiosk, aud: Pair.audience, iat: 1, toe: 1, jti: try TokenID(), event: .kiosk(.cardLeft))
        for prepared in [
            try PreparedAgreement(with: other.publicJWK), try PreparedAgreement(with: keys.library.publicJWK),
        ] {
            let token = try SealedToken(
                claims, suite: keys.suite(.nested), signingKey: keys.kiosk, prepared: prepared)
            #expect(throws: Never.self) { try UnopenedJWE(token.bytes).opened(with: keys.library.key) }
        }
    }

    @Test("The same bytes go out again on the schedule, until the wait is given up")
    func schedule() async throws {
        let (datagrams, arrived) = AsyncStream<[UInt8]>.makeStream()
        let silent = try ScriptedDatagrams { datagram, _ in
            arrived.yield(datagram)
            return []
        }
        let (announcer, sealed) = (
            announcer(silent.port), try await announcer(silent.port).seal([Pair.statement()], tapped: 0)
        )
        let delivery = Task { await announcer.deliver(sealed, deadline: .now + .seconds(60)) }
        var seen: [[UInt8]] = []
        for await datagram in datagrams {
            seen.append(datagram)
            if seen.count == 1 + UDPDelivery.schedule.count { break }
        }
        delivery.cancel()
        #expect(await delivery.value == .unreachable)
        #expect(Set(seen).count == 1, "a retransmission is the same bytes")
        silent.stop()
        #expect(UDPDelivery.schedule == [250, 500, 1_000, 2_000])
    }

    /// What a desk would answer to the token of this test, made with other keys or other words.
    private func acknowledgement(
        to datagram: [UInt8], key: SigningKey? = nil, iss: String = Pair.audience, aud: String = Pair.kiosk,
        iat: Int64 = Int64(time(nil)), jti: String? = nil, error: PushError? = nil
    ) -> [UInt8] {
        guard
            let token = try? UnopenedJWE(datagram).opened(with: keys.library.key).withBytes({ Array($0) }),
            let payload = try? UnverifiedJWS(token).verified(under: keys.kiosk.key.publicKey),
            let claims = try? payload.withUnsafeBytes({ try ReceivedClaims(json: $0) }),
            let id = jti.flatMap({ TokenID($0) }) ?? Optional(claims.jti)
        else { return [] }
        return
            (try? Acknowledgement(iss: iss, aud: aud, iat: iat, jti: id, error: error)
            .signed(by: key ?? keys.acknowledgement)) ?? []
    }

    @Test("Forged, replayed, garbled and strangers' acknowledgements change nothing; the library's own does")
    func acknowledgements() async throws {
        let stranger = SigningKey(try P256PrivateKey.generate())
        let impostor = SigningKey(try P256PrivateKey.generate(), keyID: keys.acknowledgement.keyID)
        let junk: @Sendable ([UInt8]) -> [[UInt8]] = { datagram in
            let good = acknowledgement(to: datagram)
            return [
                Array("ok".utf8), datagram, [], [UInt8](repeating: 0x41, count: 1_500),
                Array(good.dropLast(4)), good.dropLast() + [good.last == 0x41 ? 0x42 : 0x41],
                acknowledgement(to: datagram, key: stranger), acknowledgement(to: datagram, key: impostor),
                // The kiosk's own key is no library's.
                acknowledgement(to: datagram, key: keys.kiosk),
                acknowledgement(to: datagram, iss: "https://other.example"),
                acknowledgement(to: datagram, aud: "kiosk-08.lib.example"),
                acknowledgement(to: datagram, jti: "AAAAAAAAAAAAAAAAAAAAAA"),
                acknowledgement(to: datagram, iat: Int64(time(nil)) - 3_600),
                acknowledgement(to: datagram, iat: Int64(time(nil)) + 3_600),
                acknowledgement(to: datagram, iat: .min), acknowledgement(to: datagram, iat: .max),
                acknowledgement(to: datagram, key: stranger, error: .accessDenied),
            ]
        }
        let hostile = try ScriptedDatagrams { datagram, _ in junk(datagram) }
        #expect(try await push(announcer(hostile.port), within: .milliseconds(900)) == .unreachable)
        hostile.stop()
        let both = try ScriptedDatagrams { datagram, number in
            number == 0 ? junk(datagram) : [acknowledgement(to: datagram)]
        }
        #expect(try await push(announcer(both.port)) == .acknowledged)
        both.stop()
        let refusing = try ScriptedDatagrams { datagram, _ in [acknowledgement(to: datagram, error: .accessDenied)] }
        #expect(try await push(announcer(refusing.port)) == .refused(.accessDenied))
        refusing.stop()
    }

    @Test(
        "An answer that the clocks differ, which may be an old one sent again, keeps no other answer from being heard")
    func staleFirst() async throws {
        let replaying = try ScriptedDatagrams { datagram, number in
            let old = acknowledgement(to: datagram, iat: 1_000, error: .staleIssueTime)
            return number == 0 ? [old, old] : [old, acknowledgement(to: datagram)]
        }
        #expect(try await push(announcer(replaying.port)) == .acknowledged)
        replaying.stop()
        let stale = try ScriptedDatagrams { datagram, _ in [acknowledgement(to: datagram, error: .staleIssueTime)] }
        #expect(try await push(announcer(stale.port), within: .seconds(1)) == .refused(.staleIssueTime))
        stale.stop()
    }

    @Test("A kiosk that answers itself with what it sent is not acknowledged, under a shared key either")
    func reflected() async throws {
        let mirror = try ScriptedDatagrams { datagram, _ in [datagram] }
        #expect(try await push(announcer(mirror.port, .direct), within: .milliseconds(500)) == .unreachable)
        mirror.stop()
    }

    @Test("An answer from another port is not heard")
    func otherPort() async throws {
        let other = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(other) }
        // Nobody answers, and whoever guesses the kiosk's port is not the library: the kernel drops it.
        let silent = try ScriptedDatagrams { _, _ in [] }
        #expect(try await push(announcer(silent.port), within: .milliseconds(300)) == .unreachable)
        silent.stop()
    }

    @Test("Nobody listens: told at the deadline, without a trap")
    func nobody() async throws {
        let closed = try ScriptedDatagrams { _, _ in [] }
        closed.stop()
        // Past the last retransmission: only the deadline ends it.
        #expect(try await push(announcer(1), within: .seconds(3)) == .unreachable)
    }

    @Test("A name service that blocks holds up nobody: the deadline and a cancellation are kept")
    func blockedResolver() async throws {
        let release = DispatchSemaphore(value: 0)
        let transmitter = Transmitter(
            Library(
                name: "central", audience: Pair.audience, endpoint: .udp(host: "ils.example", port: 9),
                suite: keys.suite(.direct)),
            kiosk: Pair.kiosk, signingKey: keys.kiosk,
            http: .init(
                resolver: HostResolver { _ in
                    release.wait()
                    return []
                }), now: { 0 })
        let token = try await transmitter.seal(.kiosk(.cardLeft), jti: TokenID(), toe: 0)
        #expect(await transmitter.push(token, deadline: .now + .milliseconds(200)) == .unreachable)
        #expect(!token.wasSent)
        let task = Task { await transmitter.push(token, deadline: .now + .seconds(3_600)) }
        task.cancel()
        #expect(await task.value == .unreachable)
        release.signal()
    }

    @Test("The library restarts at the other address of its name, and is found")
    func secondAddress() async throws {
        let pair = try await Pair(.udp6, .direct)
        let port = pair.datagrams.port
        let transmitter = Transmitter(
            Library(
                name: "central", audience: Pair.audience, endpoint: .udp(host: "ils.example", port: port),
                suite: pair.keys.suite(.direct)),
            kiosk: Pair.kiosk, signingKey: pair.keys.kiosk,
            http: .init(
                resolver: HostResolver { _ in HostAddress.lookUp("127.0.0.1") + HostAddress.lookUp("::1") }),
            now: { Int64(time(nil)) })
        let token = try await transmitter.seal(.kiosk(.cardLeft), jti: TokenID(), toe: 0)
        #expect(await transmitter.push(token, deadline: .now + .seconds(20)) == .acknowledged)
        await pair.stop()
    }

    @Test("A flood of junk does not keep the deadline from coming", .timeLimit(.minutes(1)))
    func flood() async throws {
        let flooding = try ScriptedDatagrams { _, _ in [[UInt8]](repeating: Array("x".utf8), count: 5_000) }
        #expect(try await push(announcer(flooding.port), within: .milliseconds(700)) == .unreachable)
        flooding.stop()
    }
}

/// 30 % of all datagrams are lost, some come twice, late and out of order.
@Suite(.timeLimit(.minutes(5))) struct LossyNetworkTests {
    @Test("Every tap is either acknowledged and acted on once, or told to the patron and taken back")
    func taps() async throws {
        let pair = try await Pair(.udp, .nested)
        let acceptances = await Acceptances(pair.desk)
        let relay = try LossyRelay(
            to: pair.datagrams.port,
            faults: .init(loss: 0.3, duplication: 0.1, delay: 0...120), seed: 20_261_123)
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .udp(host: "127.0.0.1", port: relay.port),
                    suite: pair.keys.suite(.nested))
            ], keys: pair.keys, followUpLimit: .seconds(20))
        let taps = 40
        let deliveries = await withTaskGroup(of: (ppid: String, delivery: Delivery, sealed: TapAnnouncement?).self) {
            group in
            for number in 0..<taps {
                group.addTask {
                    let ppid = "PPID-\(number)"
                    guard
                        let sealed = try? await announcer.seal(
                            [Pair.statement(ppid: ppid)], tapped: Int64(time(nil)))
                    else { return (ppid, .refused(nil), nil) }
                    // Half of them have the time of a busy machine, half have hardly any.
                    let limit = Duration.seconds(number.isMultiple(of: 2) ? 30 : 2)
                    return (ppid, await announcer.deliver(sealed, deadline: .now + limit), sealed)
                }
            }
            var all: [(ppid: String, delivery: Delivery, sealed: TapAnnouncement?)] = []
            for await one in group { all.append(one) }
            return all
        }
        #expect(deliveries.count == taps)
        for (ppid, delivery, _) in deliveries { #expect(delivery != .refused(nil), "\(ppid)") }
        let acknowledged = deliveries.filter { $0.delivery == .acknowledged }.map(\.ppid)
        // Five times there and back at 70 % each way, and more: of those with time all but one in thirty.
        #expect(acknowledged.count > taps / 4)
        // Whatever was acknowledged was acted on exactly once.
        let subjects = await acceptances.events.compactMap { $0.event?.subject?.subject }
        #expect(Set(subjects).count == subjects.count, "a tap was acted on twice")
        #expect(Set(acknowledged).isSubset(of: subjects))
        #expect(await acceptances.duplicates > 0, "nothing came twice: this was no bad network")
        // The others are withdrawn.
        for (_, delivery, sealed) in deliveries where delivery != .acknowledged {
            if let sealed { announcer.withdraw(sealed) }
        }
        relay.stop()
        await pair.stop()
    }
}
