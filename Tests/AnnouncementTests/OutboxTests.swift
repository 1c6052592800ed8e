@testable import SecurityEvents
@testable import Announcement
import Clock
import Cryptography
import Desk
import Foundation
import GRDB
import HTTPClient
import JOSE
import Synchronization
import TestRig
import Testing

@Suite(.timeLimit(.minutes(2))) struct OutboxTests {
    private let keys: Pair.Keys
    private let file: String
    private let storageKey: SecretBytes
    /// A clock that goes on a second at each look.
    private final class Clock: Sendable {
        private let seconds = Mutex<Int64>(1_795_285_200)
        func tick() -> Int64 {
            seconds.withLock {
                $0 += 1
                return $0
            }
        }
        func jump(_ count: Int64) { seconds.withLock { $0 += count } }
    }
    private let clock = Clock()

    init() throws {
        keys = try Pair.Keys()
        storageKey = try SecureRandom.shared.secret(32)
        file = FileManager.default.temporaryDirectory.appending(path: "kazashi-outbox-\(UUID().uuidString)").path()
    }

    private func database() throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        return try DatabaseQueue(path: file, configuration: configuration)
    }

    private func remove() {
        for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + ending) }
    }

    private func owed(_ event: PersonEvent, _ ppid: String = "PPID-1", library: String = "central") throws -> OwedEvent
    {
        try OwedEvent(
            library: library, event: .person(event, SubjectIdentifier(issuer: Pair.platform, subject: ppid)),
            toe: clock.tick())
    }

    /// A courier to one URL, with its notices.
    private func courier(
        _ outbox: Outbox, to url: String, firstPause: Duration = .seconds(5), now: (@Sendable () -> Int64?)? = nil
    ) -> (OutboxCourier, AsyncStream<OutboxNotice>) {
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .loopback(url: url), suite: keys.suite(.nested))
            ], keys: keys, now: { [clock] in clock.tick() })
        let (notices, continuation) = AsyncStream<OutboxNotice>.makeStream()
        return (
            OutboxCourier(
                outbox: outbox, announcer: announcer, libraries: ["central"], interval: .milliseconds(20),
                firstPause: firstPause,
                now: now ?? { [clock] in clock.tick() }, report: { continuation.yield($0) }),
            notices
        )
    }

    /// Opens a token as the library would.
    private func claims(_ token: [UInt8]) throws -> ReceivedClaims {
        let inner = try UnopenedJWE(token).opened(with: keys.library.key).withBytes { Array($0) }
        return try UnverifiedJWS(inner).verified(under: keys.kiosk.key.publicKey).withUnsafeBytes {
            try ReceivedClaims(json: $0)
        }
    }

    @Test("A tap's own events are never owed: they leave with a clearance and at once, or not at all")
    func notOwed() throws {
        #expect(throws: OutboxError.notOwed) { try owed(.presented(serviceID: nil)) }
        let jti = try TokenID()
        for event in [KioskEvent.withdrawn(jti), .presenceEnded(jti)] {
            #expect(throws: OutboxError.notOwed) { try OwedEvent(library: "central", event: .kiosk(event), toe: 0) }
        }
    }

    @Test("What is owed comes in order, survives a restart, lies sealed, and leaves the disk when it is acknowledged")
    func inOrder() async throws {
        defer { remove() }
        let events: [PersonEvent] = [.registered, .attributesChanged, .replaced(previous: .init("PPID-0")), .suspended]
        do {
            let database = try database()
            let outbox = try Outbox(database: database, storageKey: storageKey)
            for event in events { try await outbox.add(try owed(event)) }
            try database.close()
        }
        for ending in ["", "-wal"] {
            let bytes = (try? Data(contentsOf: URL(filePath: file + ending))) ?? Data()
            #expect(bytes.range(of: Data("PPID".utf8)) == nil && bytes.range(of: Data("suspended".utf8)) == nil)
        }
        let database = try database()
        let outbox = try Outbox(database: database, storageKey: storageKey)
        #expect(try await outbox.depth() == ["central": 4])
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let (courier, _) = courier(outbox, to: "http://127.0.0.1:\(try await server.start())/events")
        let running = Task { await courier.run() }
        var received: [SecurityEvent] = []
        for await receipt in desk.receipts {
            // Another test's kiosk may still send to the port that this one was given: under its own key.
            guard case .success(let acceptance) = receipt.result else { continue }
            received.append(try #require(acceptance.event))
            if received.count == events.count { break }
        }
        let subject = SubjectIdentifier(issuer: Pair.platform, subject: "PPID-1")
        #expect(received == events.map { .person($0, subject) })
        while try await outbox.depth() != [:] { await Task.yield() }
        running.cancel()
        await running.value
        await server.stop()
    }

    @Test("Signed anew at each attempt under the same number, until it is acknowledged")
    func signedAnew() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        try await outbox.add(try owed(.removed))
        let (tokens, arrived) = AsyncStream<[UInt8]>.makeStream()
        let datagrams = try ScriptedDatagrams { datagram, _ in
            arrived.yield(datagram)
            return []
        }
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .udp(host: "127.0.0.1", port: datagrams.port),
                    suite: keys.suite(.nested))
            ], keys: keys, now: { [clock] in clock.tick() })
        let courier = OutboxCourier(
            outbox: outbox, announcer: announcer, libraries: ["central"], interval: .milliseconds(20),
            attempt: .milliseconds(400), firstPause: .milliseconds(10), now: { [clock] in clock.tick() },
            report: { _ in })
        let running = Task { await courier.run() }
        // Within an attempt the same bytes come again.
        var seen: [[UInt8]] = []
        for await token in tokens where !seen.contains(token) {
            seen.append(token)
            if seen.count == 3 { break }
        }
        running.cancel()
        await running.value
        datagrams.stop()
        let all = try seen.map { try claims($0) }
        #expect(Set(all.map(\.jti)).count == 1 && Set(all.map(\.toe)).count == 1)
        #expect(all.map(\.iat) == Set(all.map(\.iat)).sorted(), "signed anew, each later than the one before")
    }

    @Test("A busy library is told again; one that never takes it is reported, and the next event comes through")
    func refusals() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        for event in [PersonEvent.registered, .suspended] { try await outbox.add(try owed(event)) }
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let url = "http://127.0.0.1:\(try await server.start())/events"
        await server.behave(.refuses(.invalidAudience))
        let (courier, notices) = courier(outbox, to: url)
        let running = Task { await courier.run() }
        var all = notices.makeAsyncIterator()
        #expect(
            await all.next() == .refused(library: "central", event: "urn:kazashi:registered", .invalidAudience))
        #expect(await all.next() == .refused(library: "central", event: "urn:kazashi:suspended", .invalidAudience))
        #expect(try await outbox.depth() == [:])
        running.cancel()
        await running.value

        await server.behave(.refuses(.accessDenied))
        try await outbox.add(try owed(.removed))
        let (second, more) = self.courier(outbox, to: url)
        let again = Task { await second.run() }
        var waiting = more.makeAsyncIterator()
        #expect(await waiting.next() == .waiting(library: "central", attempts: 1, .accessDenied))
        #expect(try await outbox.depth() == ["central": 1], "kept for later")
        again.cancel()
        await again.value
        await server.stop()
    }

    @Test("After thirty days, tried once more, it is reported and dropped; so is a row that is not as it was written")
    func dropped() async throws {
        defer { remove() }
        let database = try database()
        let outbox = try Outbox(database: database, storageKey: storageKey)
        try await outbox.add(try owed(.registered))
        try await outbox.add(try owed(.suspended))
        try await outbox.add(try owed(.removed))
        // The second one's row under the first one's place, as somebody with the disk might put it.
        try await database.write { db in
            try db.execute(
                sql: "UPDATE owed SET sealed = (SELECT sealed FROM owed WHERE sequence = 2) WHERE sequence = 1")
        }
        let (courier, notices) = courier(outbox, to: "http://127.0.0.1:9/events")
        clock.jump(OutboxCourier.life + 60)
        let running = Task { await courier.run() }
        var all = notices.makeAsyncIterator()
        #expect(await all.next() == .damaged(library: "central"))
        #expect(await all.next() == .expired(library: "central", event: "urn:kazashi:suspended"))
        #expect(await all.next() == .expired(library: "central", event: "urn:kazashi:removed"))
        #expect(try await outbox.depth() == [:])
        running.cancel()
        await running.value
    }

    @Test("What fits into no token is dropped by name, and what comes after it is tried")
    func tooLarge() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        try await outbox.add(try owed(.registered, String(repeating: "P", count: 2_000)))
        try await outbox.add(try owed(.suspended))
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let (courier, notices) = courier(outbox, to: "http://127.0.0.1:\(try await server.start())/events")
        let running = Task { await courier.run() }
        var all = notices.makeAsyncIterator()
        #expect(await all.next() == .tooLarge(library: "central", event: "urn:kazashi:registered"))
        #expect(try await next(of: desk).event?.uri == "urn:kazashi:suspended")
        running.cancel()
        await running.value
        await server.stop()
    }

    @Test("A row that was moved to another name meanwhile is not dated under the old one")
    func movedMeanwhile() async throws {
        defer { remove() }
        let database = try database()
        let outbox = try Outbox(database: database, storageKey: storageKey)
        let subject = SubjectIdentifier(issuer: Pair.platform, subject: "P")
        try await outbox.add(OwedEvent(library: "central", event: .person(.removed, subject), toe: nil))
        let entry = try #require(try await outbox.first(for: "central"))
        try await database.write { try outbox.rename("central", to: "main", in: $0) }
        try await outbox.date(entry, try #require(entry.owed), at: clock.tick())
        #expect(try await outbox.first(for: "main")?.owed?.event == .person(.removed, subject))
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
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        let attempts = Mutex(0)
        let deaf = try ScriptedServer { _ in
            attempts.withLock { $0 += 1 }
            return .init("400 Bad Request")
        }
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let libraries = [
            ("deaf", deaf.url("events")), ("well", "http://127.0.0.1:\(try await server.start())/events"),
        ].map { name, url in
            Library(name: name, audience: Pair.audience, endpoint: .loopback(url: url), suite: keys.suite(.nested))
        }
        let (notices, continuation) = AsyncStream<OutboxNotice>.makeStream()
        let courier = OutboxCourier(
            outbox: outbox,
            announcer: Pair.announcer(libraries, keys: keys, now: { [clock] in clock.tick() }),
            libraries: ["deaf", "well"], interval: .milliseconds(20), firstPause: .seconds(3_600),
            now: { [clock] in clock.tick() }, report: { continuation.yield($0) })
        try await outbox.add(try owed(.registered, library: "deaf"))
        let running = Task { await courier.run() }
        for await notice in notices {
            #expect(notice == .waiting(library: "deaf", attempts: 1, nil))
            break
        }
        // Each is found at another look than the one before.
        for number in 0..<5 {
            try await outbox.add(try owed(.registered, "PPID-\(number)", library: "well"))
            #expect(try await next(of: desk).event?.subject?.subject == "PPID-\(number)")
        }
        running.cancel()
        await running.value
        #expect(attempts.withLock(\.self) == 1)
        await server.stop()
        deaf.stop()
    }

    @Test("What was owed for longer than thirty days by a kiosk that was off is sent, not dropped")
    func switchedOff() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        try await outbox.add(try owed(.suspended))
        clock.jump(OutboxCourier.life + 60)
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let (courier, _) = courier(outbox, to: "http://127.0.0.1:\(try await server.start())/events")
        let running = Task { await courier.run() }
        #expect(try await next(of: desk).event?.uri == "urn:kazashi:suspended")
        running.cancel()
        await running.value
        await server.stop()
    }

    /// The next event that a desk accepts.
    private func next(of desk: Recipient) async throws -> AcceptedEvent {
        for await receipt in desk.receipts {
            if case .success(let accepted) = receipt.result { return accepted }
        }
        throw OutboxError.unavailable
    }

    @Test(
        "What is owed since before a time was believed gets its date when one is, keeps it, and is never dropped for it",
        arguments: [nil, 0, 86_400] as [Int64?])
    func undated(toe: Int64?) async throws {
        defer { remove() }
        let database = try database()
        let outbox = try Outbox(database: database, storageKey: storageKey)
        try await outbox.add(
            OwedEvent(
                library: "central", event: .person(.removed, SubjectIdentifier(issuer: Pair.platform, subject: "P")),
                toe: toe))
        // Nobody takes it at first: the date that it got is the date of every attempt.
        let deaf = try ScriptedServer { _ in .init("500 Internal Server Error") }
        let first = clock.tick()
        let (courier, notices) = courier(outbox, to: deaf.url("events"))
        let running = Task { await courier.run() }
        var all = notices.makeAsyncIterator()
        let noError: PushError? = nil
        #expect(await all.next() == .waiting(library: "central", attempts: 1, noError))
        running.cancel()
        await running.value
        deaf.stop()
        let dated = try #require(try await outbox.first(for: "central")?.owed?.toe)
        #expect(dated > first && dated < first + 100)
        clock.jump(OutboxCourier.life / 2)
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() })
        let server = try PushServer(desk: desk)
        let (again, _) = self.courier(outbox, to: "http://127.0.0.1:\(try await server.start())/events")
        let runningAgain = Task { await again.run() }
        #expect(try await next(of: desk).toe == dated)
        runningAgain.cancel()
        await runningAgain.value
        await server.stop()
    }

    @Test("A library whose clock is wrong drains nothing: what it calls stale is tried again, and taken when it is not")
    func wrongClock() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        try await outbox.add(try owed(.registered))
        try await outbox.add(try owed(.suspended))
        let wrong = Mutex<Int64>(3_600)
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() + wrong.withLock { $0 } })
        let server = try PushServer(desk: desk)
        let (courier, notices) = courier(
            outbox, to: "http://127.0.0.1:\(try await server.start())/events", firstPause: .milliseconds(20))
        let running = Task { await courier.run() }
        var all = notices.makeAsyncIterator()
        #expect(await all.next() == .waiting(library: "central", attempts: 1, .staleIssueTime))
        #expect(try await outbox.depth() == ["central": 2])
        wrong.withLock { $0 = 0 }
        #expect(try await next(of: desk).event?.uri == "urn:kazashi:registered")
        #expect(try await next(of: desk).event?.uri == "urn:kazashi:suspended")
        running.cancel()
        await running.value
        await server.stop()
    }

    @Test("Nothing is sent while no time is to be believed")
    func noTime() async throws {
        defer { remove() }
        let outbox = try Outbox(database: database(), storageKey: storageKey)
        try await outbox.add(try owed(.registered))
        let server = try ScriptedServer { _ in .init("202 Accepted") }
        let (asked, continuation) = AsyncStream<Void>.makeStream()
        let (courier, _) = courier(
            outbox, to: server.url("events"),
            now: {
                continuation.yield()
                return nil
            })
        let running = Task { await courier.run() }
        // By the third time it had two occasions to send.
        for await _ in asked.prefix(3) {}
        running.cancel()
        await running.value
        #expect(server.requests.isEmpty)
        #expect(try await outbox.depth() == ["central": 1])
        server.stop()
    }

    @Test("An event is owed only if what owes it is written")
    func oneTransaction() async throws {
        defer { remove() }
        struct Undone: Error {}
        let database = try database()
        let outbox = try Outbox(database: database, storageKey: storageKey)
        let event = try owed(.registered)
        await #expect(throws: Undone.self) {
            try await database.write { db in
                try outbox.add(event, in: db)
                throw Undone()
            }
        }
        #expect(try await outbox.depth() == [:])
    }
}
