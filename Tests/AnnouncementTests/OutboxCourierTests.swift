@testable import Announcement
import Clock
import Cryptography
import Desk
import Foundation
import GRDB
@testable import SecurityEvents
import Synchronization
import TestRig
import Testing

/// What is owed is carried to its library, however long that takes.
@Suite(.timeLimit(.minutes(2))) struct OutboxCourierTests {
    private let fixture: OutboxFixture

    init() throws { fixture = try OutboxFixture() }

    @Test("What is owed comes in order, survives a restart, lies sealed, and leaves the disk when it is acknowledged")
    func inOrder() async throws {
        let events: [PersonEvent] = [.registered, .attributesChanged, .replaced(previous: .init("PPID-0")), .suspended]
        do {
            let database = try fixture.database()
            let outbox = try fixture.outbox(database)
            for event in events { try await outbox.add(try fixture.owed(event)) }
            try database.close()
        }
        for ending in ["", "-wal"] {
            let bytes = (try? Data(contentsOf: URL(filePath: fixture.file + ending))) ?? Data()
            #expect(bytes.range(of: Data("PPID".utf8)) == nil && bytes.range(of: Data("suspended".utf8)) == nil)
        }
        let database = try fixture.database()
        let outbox = try fixture.outbox(database)
        #expect(try await outbox.depth() == ["central": 4])
        let (desk, server, url) = try await fixture.library()
        let (courier, _) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await courier.whileRunning { () async throws -> Void in
            let subject = SubjectIdentifier(issuer: Pair.platform, subject: "PPID-1")
            for event in events { #expect(try await desk.nextAccepted().event == .person(event, subject)) }
            while try await outbox.depth() != [:] { await Task.yield() }
        }
        await server.stop()
    }

    @Test("Signed anew at each attempt under the same number, until it is acknowledged")
    func signedAnew() async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.removed))
        let (tokens, arrived) = AsyncStream<[UInt8]>.makeStream()
        let datagrams = try ScriptedDatagrams { datagram, _ in
            arrived.yield(datagram)
            return []
        }
        let (courier, _) = fixture.courier(
            outbox, to: ["central": .udp(host: "127.0.0.1", port: datagrams.port)], attempt: .milliseconds(400),
            firstPause: .milliseconds(10))
        // Within an attempt the same bytes come again.
        var seen: [[UInt8]] = []
        try await courier.whileRunning { () async throws -> Void in
            for await token in tokens where !seen.contains(token) {
                seen.append(token)
                if seen.count == 3 { break }
            }
        }
        datagrams.stop()
        let all = try seen.map { try fixture.claims($0) }
        #expect(Set(all.map(\.jti)).count == 1 && Set(all.map(\.toe)).count == 1)
        #expect(all.map(\.iat) == Set(all.map(\.iat)).sorted(), "signed anew, each later than the one before")
    }

    @Test("A busy library is told again; one that never takes it is reported, and the next event comes through")
    func refusals() async throws {
        let outbox = try fixture.outbox()
        for event in [PersonEvent.registered, .suspended] { try await outbox.add(try fixture.owed(event)) }
        let (_, server, url) = try await fixture.library()
        await server.behave(.refuses(.invalidAudience))
        let (courier, notices) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await courier.whileRunning { () async throws -> Void in
            var all = notices.makeAsyncIterator()
            #expect(
                await all.next() == .refused(library: "central", event: "urn:kazashi:registered", .invalidAudience))
            #expect(await all.next() == .refused(library: "central", event: "urn:kazashi:suspended", .invalidAudience))
            #expect(try await outbox.depth() == [:])
        }

        await server.behave(.refuses(.accessDenied))
        try await outbox.add(try fixture.owed(.removed))
        let (second, more) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await second.whileRunning { () async throws -> Void in
            var waiting = more.makeAsyncIterator()
            #expect(await waiting.next() == .waiting(library: "central", attempts: 1, .accessDenied))
            #expect(try await outbox.depth() == ["central": 1], "kept for later")
        }
        await server.stop()
    }

    @Test(
        "After thirty days, tried eight times in a row, it is reported and dropped; so is a row that is not as it was written"
    )
    func dropped() async throws {
        let database = try fixture.database()
        let outbox = try fixture.outbox(database)
        try await outbox.add(try fixture.owed(.registered))
        try await outbox.add(try fixture.owed(.suspended))
        try await outbox.add(try fixture.owed(.removed))
        // The second one's row under the first one's place, as somebody with the disk might put it.
        try await database.write { db in
            try db.execute(
                sql: "UPDATE owed SET sealed = (SELECT sealed FROM owed WHERE sequence = 2) WHERE sequence = 1")
        }
        let (courier, notices) = fixture.courier(
            outbox, to: ["central": .loopback(url: "http://127.0.0.1:9/events")], firstPause: .milliseconds(1))
        fixture.clock.jump(OutboxCourier.life + 60)
        try await courier.whileRunning { () async throws -> Void in
            var all = notices.makeAsyncIterator()
            #expect(await all.next() == .damaged(library: "central"))
            // A kiosk that was off for so long may start before its network.
            let noError: PushError? = nil
            for attempt in 1...7 {
                #expect(await all.next() == .waiting(library: "central", attempts: attempt, noError))
            }
            #expect(await all.next() == .expired(library: "central", event: "urn:kazashi:suspended"))
            #expect(await all.next() == .expired(library: "central", event: "urn:kazashi:removed"))
            #expect(try await outbox.depth() == [:])
        }
    }

    @Test("What fits into no token is dropped by name, and what comes after it is tried")
    func tooLarge() async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.registered, String(repeating: "P", count: 2_000)))
        try await outbox.add(try fixture.owed(.suspended))
        let (desk, server, url) = try await fixture.library()
        let (courier, notices) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await courier.whileRunning { () async throws -> Void in
            var all = notices.makeAsyncIterator()
            #expect(await all.next() == .tooLarge(library: "central", event: "urn:kazashi:registered"))
            #expect(try await desk.nextAccepted().event?.uri == "urn:kazashi:suspended")
        }
        await server.stop()
    }

    @Test("Thirty days to the second; and pauses from five seconds on, up to 128 times as long")
    func limits() {
        #expect(
            !OutboxCourier.isOver(1_000, at: 1_000 + 2_592_000) && OutboxCourier.isOver(1_000, at: 1_001 + 2_592_000))
        var pause = OutboxCourier.Pause(first: .seconds(5))
        #expect(pause.until <= .now)
        for first in [5, 10, 20, 40, 80, 160, 320, 640, 640, 640] {
            let before = ContinuousClock.now
            pause.failed()
            // Half of it at the least.
            #expect(pause.until > before + .seconds(first) / 2 - .seconds(1))
            #expect(pause.until < .now + .seconds(first) + .seconds(1))
        }
        #expect(pause.backoff.failures == 10)
    }

    @Test("A library that failed is left alone for its pause, and keeps no other one waiting")
    func pauses() async throws {
        let outbox = try fixture.outbox()
        let attempts = Mutex(0)
        let deaf = try ScriptedServer { _ in
            attempts.withLock { $0 += 1 }
            return .init("400 Bad Request")
        }
        let (desk, server, url) = try await fixture.library()
        let (courier, notices) = fixture.courier(
            outbox, to: ["deaf": .loopback(url: deaf.url("events")), "well": .loopback(url: url)],
            firstPause: .seconds(3_600))
        try await outbox.add(try fixture.owed(.registered, library: "deaf"))
        try await courier.whileRunning { () async throws -> Void in
            for await notice in notices {
                #expect(notice == .waiting(library: "deaf", attempts: 1, nil))
                break
            }
            // Each is found at another look than the one before.
            for number in 0..<5 {
                try await outbox.add(try fixture.owed(.registered, "PPID-\(number)", library: "well"))
                #expect(try await desk.nextAccepted().event?.subject?.subject == "PPID-\(number)")
            }
        }
        #expect(attempts.withLock(\.self) == 1)
        await server.stop()
        deaf.stop()
    }

    @Test("What was owed for longer than thirty days by a kiosk that was off is sent, not dropped")
    func switchedOff() async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.suspended))
        fixture.clock.jump(OutboxCourier.life + 60)
        let (desk, server, url) = try await fixture.library()
        let (courier, _) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await courier.whileRunning { () async throws -> Void in
            #expect(try await desk.nextAccepted().event?.uri == "urn:kazashi:suspended")
        }
        await server.stop()
    }

    @Test(
        "What is owed since before a time was believed gets its date when one is, keeps it, and is never dropped for it",
        arguments: [nil, 0, 86_400] as [Int64?])
    func undated(toe: Int64?) async throws {
        let database = try fixture.database()
        let outbox = try fixture.outbox(database)
        try await outbox.add(
            OwedEvent(
                library: "central", event: .person(.removed, SubjectIdentifier(issuer: Pair.platform, subject: "P")),
                toe: toe))
        // Nobody takes it at first: the date that it got is the date of every attempt.
        let deaf = try ScriptedServer { _ in .init("500 Internal Server Error") }
        let first = fixture.clock.tick()
        let (courier, notices) = fixture.courier(outbox, to: ["central": .loopback(url: deaf.url("events"))])
        try await courier.whileRunning { () async throws -> Void in
            var all = notices.makeAsyncIterator()
            let noError: PushError? = nil
            #expect(await all.next() == .waiting(library: "central", attempts: 1, noError))
        }
        deaf.stop()
        let dated = try #require(try await outbox.first(for: "central")?.owed?.toe)
        #expect(dated > first && dated < first + 100)
        fixture.clock.jump(OutboxCourier.life / 2)
        let (desk, server, url) = try await fixture.library()
        let (again, _) = fixture.courier(outbox, to: ["central": .loopback(url: url)])
        try await again.whileRunning { () async throws -> Void in
            #expect(try await desk.nextAccepted().toe == dated)
        }
        await server.stop()
    }

    @Test("A library whose clock is wrong drains nothing: what it calls stale is tried again, and taken when it is not")
    func wrongClock() async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.registered))
        try await outbox.add(try fixture.owed(.suspended))
        let wrong = Mutex<Int64>(3_600)
        let (desk, server, url) = try await fixture.library(wrongBy: { wrong.withLock { $0 } })
        let (courier, notices) = fixture.courier(
            outbox, to: ["central": .loopback(url: url)], firstPause: .milliseconds(20))
        try await courier.whileRunning { () async throws -> Void in
            var all = notices.makeAsyncIterator()
            #expect(await all.next() == .waiting(library: "central", attempts: 1, .staleIssueTime))
            #expect(try await outbox.depth() == ["central": 2])
            wrong.withLock { $0 = 0 }
            #expect(try await desk.nextAccepted().event?.uri == "urn:kazashi:registered")
            #expect(try await desk.nextAccepted().event?.uri == "urn:kazashi:suspended")
        }
        await server.stop()
    }

    @Test(
        "A library whose clock is off by less than a minute is heard where only its answer says who it is",
        arguments: [-45, 45])
    func clockOverUDP(offset: Int64) async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.registered))
        let desk = try fixture.keys.desk(.nested, now: { [clock = fixture.clock] in clock.tick() + offset })
        let server = try DatagramServer(desk: desk, address: "127.0.0.1")
        let (courier, _) = fixture.courier(outbox, to: ["central": .udp(host: "127.0.0.1", port: server.port)])
        try await courier.whileRunning { () async throws -> Void in
            while try await outbox.depth() != [:] { await Task.yield() }
        }
        server.stop()
    }

    @Test("Nothing is sent while no time is to be believed")
    func noTime() async throws {
        let outbox = try fixture.outbox()
        try await outbox.add(try fixture.owed(.registered))
        let server = try ScriptedServer { _ in .init("202 Accepted") }
        let (asked, continuation) = AsyncStream<Void>.makeStream()
        let (courier, _) = fixture.courier(
            outbox, to: ["central": .loopback(url: server.url("events"))],
            now: {
                continuation.yield()
                return nil
            })
        try await courier.whileRunning { () async throws -> Void in
            // By the third time it had two occasions to send.
            for await _ in asked.prefix(3) {}
        }
        #expect(server.requests.isEmpty)
        #expect(try await outbox.depth() == ["central": 1])
        server.stop()
    }
}
