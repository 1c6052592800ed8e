import Announcement
import Cryptography
import Desk
import Foundation
import GRDB
import Kiosk
import Pilot
@testable import Registrations
import Registry
import SecurityEvents
import Settings
import Testing

/// What changes of registrations owe, and to whom.
@Suite(.timeLimit(.minutes(2))) struct OwedEventsTests {
    private let folder: String
    private let database: KioskDatabase
    private let announcer: Announcer
    private let desk: Recipient
    private let server: PushServer
    private let courier: OutboxCourier

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-owed-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let pilot = try PilotFolder(folder + "/pilot")
        desk = try pilot.desk()
        server = try PushServer(desk: desk)
        var options = PilotFolder.Options()
        options.port = try await server.start()
        try pilot.writeConfiguration(options)
        let configuration = try Configuration(file: pilot.configuration)
        let clock = KioskClock(configuration)
        database = try KioskDatabase(configuration, clock: clock)
        announcer = Appliance.announcer(for: configuration, clock: clock)
        courier = OutboxCourier(
            outbox: database.outbox, announcer: announcer, libraries: ["central"], interval: .milliseconds(20),
            now: { Int64(time(nil)) }, report: { _ in })
    }

    private func registration(
        ppids: [String: String] = ["central": "PPID-1", "elsewhere": "PPID-2"], card: String? = nil,
        birthDate: String = "1980-02-17", cardKey: [UInt8]? = nil
    ) -> Registration {
        Registration(
            certificate: Confidential([0x30, 0x01, 0x00]), ppids: ppids.mapValues { Confidential($0) },
            serviceIDs: card.map { ["central": Confidential($0)] } ?? [:], birthDate: Confidential(birthDate),
            cardKey: cardKey.map { Confidential($0) }, since: 0)
    }

    @Test("Each change has its event, for the library that is configured and with its own pseudonym; others have none")
    func changes() async throws {
        let store = database.registrations
        try await store.store(registration())
        let id = try await store.id(short: try #require(try await store.list().first?.id))
        // Nothing changes for a library: a pin, the same again.
        guard case .active(let active) = try await store.lookUp(certificate: [0x30, 0x01, 0x00]) else {
            Issue.record("not active")
            return
        }
        #expect(try await store.pin(cardKey: [1], recordIssuer: [2], for: active))
        try await store.store(registration())
        try await store.forgetCardKey(id)
        try await store.store(registration(card: "17"))
        try await store.store(registration(card: "17", birthDate: "1980-02-18"))
        try await store.suspend(id)
        try await store.suspend(id)
        try await store.store(registration(card: "17"))
        try await store.store(registration(ppids: ["central": "PPID-3"], card: "17"))
        try await store.store(registration(ppids: ["elsewhere": "PPID-2"]))
        try await store.remove(id)
        #expect(try await database.outbox.depth() == ["central": 7])
        let running = Task { await courier.run() }
        var events: [SecurityEvent] = []
        for await receipt in desk.receipts {
            // A slow answer brings the same token again; another test's kiosk may still send to this port.
            guard case .success(let accepted) = receipt.result, !accepted.isDuplicate else { continue }
            events.append(try #require(accepted.event))
            if events.count == 7 { break }
        }
        func person(_ event: PersonEvent, _ ppid: String) -> SecurityEvent {
            .person(event, SubjectIdentifier(issuer: PilotFolder.platform, subject: ppid))
        }
        #expect(
            events == [
                person(.registered, "PPID-1"), person(.attributesChanged, "PPID-1"),
                person(.attributesChanged, "PPID-1"), person(.suspended, "PPID-1"), person(.registered, "PPID-1"),
                person(.replaced(previous: Confidential("PPID-1")), "PPID-3"), person(.removed, "PPID-3"),
            ])
        running.cancel()
        await running.value
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("A change whose event can't be written is not made")
    func oneTransaction() async throws {
        let store = database.registrations
        try await store.store(registration())
        #expect(await database.erased())
        let other = try DatabaseQueue(path: folder + "/pilot/state/kazashi.sqlite")
        try await other.write { db in try db.execute(sql: "DROP TABLE owed") }
        let id = try await store.id(short: try #require(try await store.list().first?.id))
        await #expect(throws: RegistryError.self) { try await store.suspend(id) }
        await #expect(throws: RegistryError.self) { try await store.remove(id) }
        #expect(try await store.list().map(\.state) == [.active])
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("An outage that lasts is told to a library that wants to know")
    func outage() async throws {
        let path = folder + "/outage"
        var options = PilotFolder.Options()
        (options.listAge, options.maxAge, options.reportsOutages) = (30, "24h", true)
        let pilot = try await InProcessPilot(
            folder: PilotFolder(path, options: options), records: [], options: options, becomesReady: false,
            outageAfter: .zero)
        // At the start there is no reader for a moment, and this pilot waits for no moment.
        var causes: [SecurityEvent] = []
        for await receipt in pilot.desk.receipts {
            // Another test's kiosk may still send to this port.
            guard case .success(let accepted) = receipt.result else { continue }
            causes.append(try #require(accepted.event))
            if causes.last == .kiosk(.outOfService(cause: "revocation")) { break }
        }
        #expect(Set(causes).count == causes.count, "each cause once")
        await pilot.stop()
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("A library's new name takes over its registrations and what it is owed, in order; both, or nothing")
    func renamed() async throws {
        let store = database.registrations
        try await store.store(registration(card: "17"))
        let id = try await store.id(short: try #require(try await store.list().first?.id))
        try await store.suspend(id)
        #expect(try await database.outbox.depth() == ["central": 2])
        #expect(
            try await database.rename("central", to: "main") == LibraryHoldings(name: "main", registrations: 1, owed: 2)
        )
        #expect(
            try await database.holdings() == [
                LibraryHoldings(name: "elsewhere", registrations: 1, owed: 0),
                LibraryHoldings(name: "main", registrations: 1, owed: 2),
            ])
        let moved = try #require(try await store.all().first?.registration)
        #expect(moved.ppids["main"]?.revealed == "PPID-1" && moved.serviceIDs["main"]?.revealed == "17")
        #expect(moved.ppids["central"] == nil && moved.serviceIDs["central"] == nil)
        // One that has both: nothing moves, not what is owed either.
        await #expect(throws: RegistryError(.libraryTaken)) { try await database.rename("elsewhere", to: "main") }
        await #expect(throws: RegistryError(.libraryTaken)) { try await database.rename("main", to: "elsewhere") }
        #expect(try await database.outbox.depth() == ["main": 2])
        // Under its own name again it is opened and delivered, in order.
        _ = try await database.rename("main", to: "central")
        let running = Task { await courier.run() }
        var events: [String?] = []
        for await receipt in desk.receipts {
            guard case .success(let accepted) = receipt.result, !accepted.isDuplicate else { continue }
            events.append(accepted.event?.uri)
            if events.count == 2 { break }
        }
        #expect(events == ["urn:kazashi:registered", "urn:kazashi:suspended"])
        while try await database.outbox.depth() != [:] { await Task.yield() }
        running.cancel()
        await running.value
        try await store.remove(id)
        #expect(
            try await database.holdings() == [
                LibraryHoldings(name: "central", registrations: 0, owed: 1)
            ])
        #expect(try await database.dropOwed(to: "central") == 1)
        #expect(try await database.outbox.depth() == [:])
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
