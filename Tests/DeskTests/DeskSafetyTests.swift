import Announcement
import Cryptography
@testable import Desk
import Dispatch
import Foundation
import GRDB
import Glibc
import JOSE
import ReceiverAttacks
import SecurityEvents
import Synchronization
import Testing

/// What a desk keeps to whatever comes, in whatever order, from whomever.
@Suite(.timeLimit(.minutes(2))) struct DeskSafetyTests {
    private let table: Tabletop

    init() throws { table = try Tabletop() }

    @Test("One kiosk withdraws or ends nothing that another one presented")
    func others() async throws {
        let other = SigningKey(try P256PrivateKey.generate())
        let desk = try Recipient(
            verifier: TokenVerifier(
                audience: "aud", keys: [table.library],
                kiosks: [
                    KnownKiosk(id: "kiosk", key: table.kiosk.publicJWK), KnownKiosk(id: "other", key: other.publicJWK),
                ]), now: { self.table.now })
        let jti = try TokenID()
        _ = try await desk.receive(table.token(Tabletop.presented(), jti: jti))
        for event in [KioskEvent.withdrawn(jti), .presenceEnded(jti)] {
            let claims = EventClaims(
                iss: "other", aud: "aud", iat: table.now, toe: table.now, jti: try TokenID(), event: .kiosk(event))
            #expect(try await desk.receive(table.nested(claims.encoded(), key: other)).error == nil)
        }
        var shown = desk.counter.presences().makeAsyncIterator()
        #expect(await shown.next()??.number == 1)
    }

    @Test("A withdrawal that comes while what it takes back is acted on has the last word")
    func withdrawnMeanwhile() async throws {
        let desk = try table.desk(direct: true)
        func token(_ event: SecurityEvent, _ jti: TokenID) throws -> [UInt8] {
            let claims = EventClaims(iss: "kiosk", aud: "aud", iat: table.now, toe: table.now, jti: jti, event: event)
            return try table.direct(claims.encoded())
        }
        /// Blocks a thread of its own; what it returns ends when it has.
        func receive(_ tokens: [[UInt8]], then: @escaping @Sendable () -> Void = {}) -> AsyncStream<Never> {
            let (ended, continuation) = AsyncStream<Never>.makeStream()
            Thread.detachNewThread {
                #expect(throws: Never.self) { try desk.receive(tokens) }
                then()
                continuation.finish()
            }
            return ended
        }
        let second = try TokenID()
        let batch = [try token(Tabletop.presented("A"), TokenID()), try token(Tabletop.presented("B"), second)]
        let withdrawal = try token(.kiosk(.withdrawn(second)), TokenID())
        let (arrived, continuation) = AsyncStream<Void>.makeStream()
        let goOn = DispatchSemaphore(value: 0)
        desk.counter.onArrival { presented in
            guard presented.number == 1 else { return }
            continuation.yield()
            goOn.wait()
        }
        // Both are being acted on, and the second one not yet.
        let acting = receive(batch)
        for await _ in arrived { break }
        // It either overtakes, at once, or waits: for as long as it is let.
        let (either, first) = AsyncStream<Void>.makeStream()
        let withdrawing = receive([withdrawal]) { first.yield() }
        let limit = Task {
            try? await Task.sleep(for: .seconds(1))
            first.yield()
        }
        for await _ in either { break }
        limit.cancel()
        goOn.signal()
        for await _ in acting {}
        for await _ in withdrawing {}
        var shown = desk.counter.presences().makeAsyncIterator()
        #expect(await shown.next() == .some(nil))
    }

    @Test("Withdrawn at the same time as it came, on many connections: nobody stands there")
    func withdrawnAtOnce() async throws {
        let desk = try table.desk(direct: true)
        func token(_ event: SecurityEvent, _ jti: TokenID) throws -> [UInt8] {
            let claims = EventClaims(iss: "kiosk", aud: "aud", iat: table.now, toe: table.now, jti: jti, event: event)
            return try table.direct(claims.encoded())
        }
        for round in 0..<100 {
            let jti = try TokenID()
            let presented = try token(Tabletop.presented(), jti)
            let tokens = [presented, try token(.kiosk(.withdrawn(jti)), TokenID()), presented].shuffled()
            try await withThrowingTaskGroup(of: PushError?.self) { group in
                for token in tokens { group.addTask { @concurrent in try await desk.receive(token).error } }
                for try await error in group { #expect(error == nil) }
            }
            var shown = desk.counter.presences().makeAsyncIterator()
            let standing = await shown.next() ?? nil
            #expect(standing == nil, "round \(round)")
            if standing != nil { return }
        }
    }

    @Test(
        "On the wire, too: before, with or after what it takes back, a withdrawal has the last word",
        arguments: ["udp", "http"])
    func withdrawnOnTheWire(channel: String) async throws {
        let site = try Site("nested")
        let desk = try site.desk()
        let (server, datagrams) = (try PushServer(desk: desk), try DatagramServer(desk: desk, threads: 4))
        let port = try await server.start()
        let endpoint: Endpoint =
            channel == "udp"
            ? .udp(host: "127.0.0.1", port: datagrams.port) : .loopback(url: "http://127.0.0.1:\(port)/events")
        let now = Int64(time(nil))
        for round in 0..<40 {
            let jti = try TokenID()
            // Each with a socket or connection of its own.
            let senders = [site.transmitter(endpoint), site.transmitter(endpoint)]
            let presented = try await senders[0].seal(Tabletop.presented(), jti: jti, toe: now)
            let withdrawn = try await senders[1].seal(.kiosk(.withdrawn(jti)), jti: TokenID(), toe: now)
            func push(_ token: SealedToken, _ sender: Transmitter) async {
                #expect(await sender.push(token, deadline: .now + .seconds(20)) == .acknowledged)
            }
            switch round % 4 {
            case 0:
                await push(presented, senders[0])
                await push(withdrawn, senders[1])
            case 1:
                await push(withdrawn, senders[1])
                await push(presented, senders[0])
            default:
                async let first: Void = push(presented, senders[0])
                async let second: Void = push(withdrawn, senders[1])
                _ = await (first, second)
            }
            var shown = desk.counter.presences().makeAsyncIterator()
            #expect(await shown.next() == .some(nil), "round \(round)")
        }
        datagrams.stop()
        await server.stop()
    }

    @Test("What cannot be remembered was not acted on: it is neither acknowledged nor shown, and the next try is new")
    func notKept() async throws {
        let desk = try table.desk(inMemory: false)
        // Everything goes well until the transaction is to be kept.
        let spoiler = try DatabaseQueue(path: table.file)
        try await spoiler.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE parent (id INTEGER PRIMARY KEY);
                    CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
                    CREATE TRIGGER spoil AFTER INSERT ON seen BEGIN INSERT INTO child VALUES (7); END;
                    """)
        }
        let token = try table.nested(table.claims())
        await #expect(throws: (any Error).self) { try await desk.receive(token) }
        var shown = desk.counter.presences().makeAsyncIterator()
        #expect(await shown.next() == .some(nil))
        try await spoiler.write { db in try db.execute(sql: "DROP TRIGGER spoil") }
        #expect(try await desk.receive(token).isDuplicate == false)
        #expect(await shown.next()??.standing == .unknown)
    }

    @Test("Nobody else reads the desk's file, nor what SQLite lays beside it")
    func modes() async throws {
        // As an earlier version left it.
        let before = umask(0)
        try DatabaseQueue(path: table.file).close()
        umask(before)
        chmod(table.file, 0o666)
        let desk = try table.desk(inMemory: false)
        _ = try await desk.receive(table.nested(table.claims()))
        for ending in ["", "-wal", "-shm"] {
            var status = stat()
            #expect(stat(table.file + ending, &status) == 0 && status.st_mode & 0o777 == 0o600, "\(ending)")
        }
        _ = desk
    }

    @Test("HTTP that is none, or could be read in two ways, is refused; slow connections keep no kiosk out")
    func attacks() async throws {
        let site = try Site("direct")
        let server = try PushServer(desk: site.desk())
        let port = try await server.start()
        try await HTTPAttacks(token: site.token).prove(on: port, site, keepsConnections: true)
        await server.stop()
        #expect(throws: RawConnection.Refused.self) { try RawConnection(port: port) }
    }

    private func listener(port: UInt16 = 0) throws -> PushListener {
        try PushListener(
            ListeningSocket.Address("127.0.0.1", port: port), limits: .init(request: 60_000),
            refusal: .init(status: 400)
        ) { _, _ in .init(status: 202) }
    }

    @Test("A port at which connections were closed a moment ago can be listened at again")
    func again() async throws {
        let first = try listener()
        // The side that closes first keeps the connection for a minute.
        let connection = try RawConnection(port: first.port)
        #expect(connection.send(Array("garbage\r\n\r\n".utf8)))
        #expect(await connection.answer()?.hasPrefix("HTTP/1.1 400") == true)
        first.end()
        await first.ended()
        let second = try listener(port: first.port)
        #expect(second.port == first.port)
        second.end()
        await second.ended()
    }

    @Test("Of 33 connections the one that has waited longest is given up")
    func connections() async throws {
        let listener = try listener()
        let kept = try (0..<33).map { _ in try RawConnection(port: listener.port) }
        #expect(await kept.first?.answer() == "")
        #expect(kept.last?.send(Array("garbage\r\n\r\n".utf8)) == true)
        #expect(await kept.last?.answer()?.hasPrefix("HTTP/1.1 400") == true)
        listener.end()
        await listener.ended()
    }

    @Test("A number is typed once its token is remembered: what the disk refused is typed by nobody")
    func typedAfterwards() async throws {
        let desk = try table.desk(inMemory: false)
        let typed = Mutex<[String?]>([])
        desk.counter.onArrival { presented in typed.withLock { $0.append(presented.cardNumber) } }
        // The last step of the transaction fails, as on a full disk.
        let database = try DatabaseQueue(path: table.file)
        try await database.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE parent (id INTEGER PRIMARY KEY);
                    CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
                    CREATE TRIGGER refused AFTER INSERT ON seen BEGIN INSERT INTO child VALUES (1); END;
                    """)
        }
        let token = try table.token(Tabletop.presented("A", serviceID: "17"))
        await #expect(throws: (any Error).self) { _ = try await desk.receive(token) }
        #expect(typed.withLock { $0 } == [])
        try await database.write { try $0.execute(sql: "DROP TRIGGER refused") }
        #expect(try await desk.receive(token).error == nil)
        #expect(typed.withLock { $0 } == ["17"])
        // Seen before: not typed again.
        #expect(try await desk.receive(token).isDuplicate == true)
        #expect(typed.withLock { $0 } == ["17"])
    }
}

extension DeskSafetyTests {
    @Test("A number whose tap was withdrawn before it is remembered is typed by nobody")
    func typedByNobody() async throws {
        let desk = try table.desk(direct: true)
        let typed = Mutex<[String?]>([])
        desk.counter.onArrival { presented in typed.withLock { $0.append(presented.cardNumber) } }
        func token(_ event: SecurityEvent, _ jti: TokenID) throws -> [UInt8] {
            let claims = EventClaims(iss: "kiosk", aud: "aud", iat: table.now, toe: table.now, jti: jti, event: event)
            return try table.direct(claims.encoded())
        }
        let (first, second) = (try TokenID(), try TokenID())
        // Both are taken in one transaction: what came of the first is typed only after it.
        _ = try desk.receive([
            token(Tabletop.presented("A", serviceID: "17"), first), token(.kiosk(.withdrawn(first)), TokenID()),
            token(Tabletop.presented("B", serviceID: "18"), second),
        ])
        #expect(typed.withLock { $0 } == ["18"])
    }
}
