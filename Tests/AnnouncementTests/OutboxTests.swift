@testable import Announcement
import GRDB
@testable import SecurityEvents
import Testing

@Suite(.timeLimit(.minutes(2))) struct OutboxTests {
    private let fixture: OutboxFixture

    init() throws { fixture = try OutboxFixture() }

    @Test("A tap's own events are never owed: they leave with a clearance and at once, or not at all")
    func notOwed() throws {
        #expect(throws: OutboxError.notOwed) { try fixture.owed(.presented(serviceID: nil)) }
        let jti = try TokenID()
        for event in [KioskEvent.withdrawn(jti), .presenceEnded(jti)] {
            #expect(throws: OutboxError.notOwed) { try OwedEvent(library: "central", event: .kiosk(event), toe: 0) }
        }
    }

    @Test("A row that was moved to another name meanwhile is not dated under the old one")
    func movedMeanwhile() async throws {
        let database = try fixture.database()
        let outbox = try fixture.outbox(database)
        let subject = SubjectIdentifier(issuer: Pair.platform, subject: "P")
        try await outbox.add(OwedEvent(library: "central", event: .person(.removed, subject), toe: nil))
        let entry = try #require(try await outbox.first(for: "central"))
        try await database.write { try outbox.rename("central", to: "main", in: $0) }
        try await outbox.date(entry, try #require(entry.owed), at: fixture.clock.tick())
        #expect(try await outbox.first(for: "main")?.owed?.event == .person(.removed, subject))
    }

    @Test("An event is owed only if what owes it is written")
    func oneTransaction() async throws {
        struct Undone: Error {}
        let database = try fixture.database()
        let outbox = try fixture.outbox(database)
        let event = try fixture.owed(.registered)
        await #expect(throws: Undone.self) {
            try await database.write { db in
                try outbox.add(event, in: db)
                throw Undone()
            }
        }
        #expect(try await outbox.depth() == [:])
    }
}
