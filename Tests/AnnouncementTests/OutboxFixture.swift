@testable import Announcement
import Cryptography
import Desk
import Foundation
import GRDB
import JOSE
@testable import SecurityEvents
import Synchronization

/// An outbox, what is owed, and couriers to libraries, by a clock that goes on a second at each look.
final class OutboxFixture: Sendable {
    final class Clock: Sendable {
        private let seconds = Mutex<Int64>(1_795_285_200)
        func tick() -> Int64 {
            seconds.withLock {
                $0 += 1
                return $0
            }
        }
        func jump(_ count: Int64) { seconds.withLock { $0 += count } }
    }
    let keys: Pair.Keys
    let clock = Clock()
    let file: String
    private let storageKey: SecretBytes

    init() throws {
        keys = try Pair.Keys()
        storageKey = try SecureRandom.shared.secret(32)
        file = FileManager.default.temporaryDirectory.appending(path: "kazashi-outbox-\(UUID().uuidString)").path()
    }

    deinit {
        for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + ending) }
    }

    func database() throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        return try DatabaseQueue(path: file, configuration: configuration)
    }

    func outbox(_ database: DatabaseQueue? = nil) throws -> Outbox {
        try Outbox(database: database ?? self.database(), storageKey: storageKey)
    }

    func owed(_ event: PersonEvent, _ ppid: String = "PPID-1", library: String = "central") throws -> OwedEvent {
        try OwedEvent(
            library: library, event: .person(event, SubjectIdentifier(issuer: Pair.platform, subject: ppid)),
            toe: clock.tick())
    }

    /// Opens a token as the library would.
    func claims(_ token: [UInt8]) throws -> ReceivedClaims {
        let inner = try UnopenedJWE(token).opened(with: keys.library.key).withBytes { Array($0) }
        return try UnverifiedJWS(inner).verified(under: keys.kiosk.key.publicKey).withUnsafeBytes {
            try ReceivedClaims(json: $0)
        }
    }

    /// A desk that knows the kiosk, by the same clock, and its URL.
    /// - Parameter wrongBy: seconds by which its clock is ahead.
    func library(wrongBy: @escaping @Sendable () -> Int64 = { 0 }) async throws -> (Recipient, PushServer, String) {
        let desk = try keys.desk(.nested, now: { [clock] in clock.tick() + wrongBy() })
        let server = try PushServer(desk: desk)
        return (desk, server, "http://127.0.0.1:\(try await server.start())/events")
    }

    /// A courier to libraries by name, with its notices.
    func courier(
        _ outbox: Outbox, to endpoints: KeyValuePairs<String, Endpoint>, attempt: Duration = .seconds(10),
        firstPause: Duration = .seconds(5), now: (@Sendable () -> Int64?)? = nil
    ) -> (OutboxCourier, AsyncStream<OutboxNotice>) {
        let libraries = endpoints.map {
            Library(name: $0, audience: Pair.audience, endpoint: $1, suite: keys.suite(.nested))
        }
        let (notices, continuation) = AsyncStream<OutboxNotice>.makeStream()
        let courier = OutboxCourier(
            outbox: outbox, announcer: Pair.announcer(libraries, keys: keys, now: { [clock] in clock.tick() }),
            libraries: libraries.map(\.name), interval: .milliseconds(20), attempt: attempt, firstPause: firstPause,
            now: now ?? { [clock] in clock.tick() }, report: { continuation.yield($0) })
        return (courier, notices)
    }
}

extension OutboxCourier {
    /// At work until the body has ended, however it did.
    func whileRunning(_ body: () async throws -> Void) async throws {
        let running = Task { await self.run() }
        do {
            try await body()
        } catch {
            running.cancel()
            await running.value
            throw error
        }
        running.cancel()
        await running.value
    }
}

extension Recipient {
    /// The next event that it accepts.
    func nextAccepted() async throws -> AcceptedEvent {
        for await receipt in receipts {
            // Another test's kiosk may still send to the port that this one was given: under its own key.
            if case .success(let accepted) = receipt.result { return accepted }
        }
        throw OutboxError.unavailable
    }
}
