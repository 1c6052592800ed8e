import Desk
import Foundation
import Pilot
import SecurityEvents
import Synchronization
import Testing
import VirtualCard

/// What a visit is to a library: it begins once, and ends once the card has been away for `min_gap`.
@Suite(.timeLimit(.minutes(2))) struct VisitTests {
    private func withPilot(minGap: String, _ body: (PilotCards, InProcessPilot) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = PilotFolder.Options()
        options.minGap = minGap
        let cards = try PilotCards.make(in: path) { $0 = options }
        let pilot = try await InProcessPilot(folder: cards.folder, records: cards.records, options: options)
        do {
            try await body(cards, pilot)
        } catch {
            await pilot.stop()
            throw error
        }
        await pilot.stop()
    }

    /// The next event that is a visit's.
    private func next(_ pilot: InProcessPilot) async throws -> (event: SecurityEvent, accepted: AcceptedEvent) {
        for await receipt in pilot.desk.receipts {
            guard case .success(let accepted) = receipt.result, !accepted.isDuplicate, let event = accepted.event else {
                continue
            }
            switch event {
            case .person(.presented, _), .kiosk(.presenceEnded), .kiosk(.withdrawn): return (event, accepted)
            case .person, .kiosk: continue
            }
        }
        throw CancellationError()
    }

    @Test("A card that flutters is one visit: the welcome again, one announcement, and its end when the gap has passed")
    func flutter() async throws {
        try await withPilot(minGap: "1500ms") { cards, pilot in
            let card = try CardInField(cards.good.profile)
            #expect(await pilot.tap(card).code == "ok")
            for _ in 0..<3 { #expect(await pilot.tap(card).code == "too_soon") }
            let presented = try await next(pilot)
            let ended = try await next(pilot)
            #expect(ended.event == .kiosk(.presenceEnded(presented.accepted.jti)))
            #expect(pilot.shown.count { $0.contains("Card accepted") } == 4)
            // The visit is over: the next one is another.
            #expect(await pilot.tap(card).code == "ok")
            let again = try await next(pilot)
            guard case .person(.presented, _) = again.event else {
                Issue.record("\(again.event.uri)")
                return
            }
            #expect(again.accepted.jti != presented.accepted.jti)
        }
    }

    @Test("Another card ends the visit at once, though the gap has not passed; so does one that nobody knows")
    func anotherCard() async throws {
        try await withPilot(minGap: "1h") { cards, pilot in
            for other in [cards.revoked, cards.unregistered] {
                #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
                let presented = try await next(pilot)
                _ = await pilot.tap(try CardInField(other.profile))
                #expect(try await next(pilot).event == .kiosk(.presenceEnded(presented.accepted.jti)))
            }
        }
    }

    @Test("A copy of the certificate is refused as ever, and holds no visit open")
    func copy() async throws {
        try await withPilot(minGap: "1500ms") { cards, pilot in
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            let presented = try await next(pilot)
            let isOver = Mutex(false)
            let watching = Task {
                defer { isOver.withLock { $0 = true } }
                return try await next(pilot).event
            }
            // One after the other, until the gap has passed.
            var codes: Set<String> = []
            while !isOver.withLock({ $0 }) {
                codes.insert(await pilot.tap(try CardInField(cards.copied.profile)).code)
            }
            #expect(codes == ["not_proven"])
            #expect(try await watching.value == .kiosk(.presenceEnded(presented.accepted.jti)))
        }
    }

    @Test("A copy that is left lying on the reader holds no visit open either")
    func copyThatStays() async throws {
        try await withPilot(minGap: "500ms") { cards, pilot in
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            let presented = try await next(pilot)
            pilot.reader.insert(try CardInField(cards.copied.profile))
            #expect(await pilot.nextTap().code == "not_proven")
            #expect(try await next(pilot).event == .kiosk(.presenceEnded(presented.accepted.jti)))
        }
    }

    @Test("Without a gap the visit ends with the removal")
    func noGap() async throws {
        try await withPilot(minGap: "0s") { cards, pilot in
            for _ in 0..<2 {
                #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
                let presented = try await next(pilot)
                #expect(try await next(pilot).event == .kiosk(.presenceEnded(presented.accepted.jti)))
            }
        }
    }
}

/// What is left of a tap when the kiosk ends in its middle.
@Suite(.timeLimit(.minutes(2))) struct WindDownTests {
    private func pilot(_ body: (PilotCards, InProcessPilot) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = PilotFolder.Options()
        options.minGap = "1h"
        let cards = try PilotCards.make(in: path) { $0 = options }
        let pilot = try await InProcessPilot(folder: cards.folder, records: cards.records, options: options)
        try await pilot.owedIsDelivered()
        try await body(cards, pilot)
    }

    /// The events that the desk accepted, in order; the desk is stopped.
    private func events(_ pilot: InProcessPilot) async -> [String] {
        await pilot.stop()
        var seen: [String] = []
        for await receipt in pilot.desk.receipts {
            if case .success(let accepted) = receipt.result, let uri = accepted.event?.uri { seen.append(uri) }
        }
        return seen
    }

    @Test("A welcomed patron's session is ended: their card lies there, or was just taken", arguments: [true, false])
    func welcomed(isThere: Bool) async throws {
        try await pilot { cards, pilot in
            pilot.reader.insert(try CardInField(cards.good.profile))
            #expect(await pilot.nextTap().code == "ok")
            if !isThere { pilot.reader.remove() }
            await pilot.stopKiosk()
            #expect(await events(pilot).suffix(2) == ["urn:kazashi:presented", "urn:kazashi:presence-ended"])
        }
    }

    @Test("A tap that was on its way to the library is taken back")
    func announcing() async throws {
        try await pilot { cards, pilot in
            await pilot.desk.behave(.slow(.seconds(3)))
            let arrivals = await pilot.desk.arrivals()
            pilot.reader.insert(try CardInField(cards.good.profile))
            for await _ in arrivals { break }
            await pilot.desk.behave(.normal)
            await pilot.stopKiosk()
            #expect(await events(pilot).contains("urn:kazashi:withdrawn"))
        }
    }

    @Test("A card in the middle of its work is powered down, and nothing was said of it")
    func reading() async throws {
        try await pilot { cards, pilot in
            var faults = CardFaults()
            faults.silentAt = 4
            let card = try CardInField(cards.good.profile, faults: faults)
            pilot.reader.insert(card)
            while card.commandCount < 4 { await Task.yield() }
            #expect(card.powerDowns == 0)
            await pilot.stopKiosk()
            #expect(card.powerDowns == 1)
            #expect(await !events(pilot).contains { $0.hasSuffix("presented") || $0.hasSuffix("withdrawn") })
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct FlutterTests {
    @Test("Some stays of a fluttering card: each is one session at the desk")
    func flutter() async throws {
        let report = try await FlutterRun(seed: 7).run(for: .seconds(12))
        #expect(report.faults == [])
        #expect(report.stays > 0 && report.opened == report.stays && report.closed == report.stays)
    }
}
