import Desk
import Pilot
import SecurityEvents
import Synchronization
import Testing
import VirtualCard

extension InProcessPilot {
    fileprivate static func withPilot(
        minGap: String, _ body: (PilotCards, InProcessPilot) async throws -> Void
    ) async throws {
        var options = PilotFolder.Options()
        options.minGap = minGap
        try await withPilot(options: options, body)
    }
}

/// What a visit is to a library: it begins once, and ends once the card has been away for `min_gap`.
@Suite(.timeLimit(.minutes(2))) struct VisitTests {
    /// What the desk has of visits. On a busy machine what it accepted side by side may come in another order.
    private final class Visits {
        private let pilot: InProcessPilot
        private(set) var presented: [TokenID] = []
        private var ended: [SecurityEvent] = []

        init(_ pilot: InProcessPilot) { self.pilot = pilot }

        private func take() async throws {
            for await receipt in pilot.desk.receipts {
                guard case .success(let accepted) = receipt.result, !accepted.isDuplicate else { continue }
                switch accepted.event {
                case .person(.presented, _): presented.append(accepted.jti)
                case .kiosk(.presenceEnded)?, .kiosk(.withdrawn)?: ended += [accepted.event].compactMap(\.self)
                case nil, .person, .kiosk: continue
                }
                return
            }
            throw CancellationError()
        }

        /// The `number`th announcement's number, when it has come.
        func announcement(_ number: Int) async throws -> TokenID {
            while presented.count < number { try await take() }
            return presented[number - 1]
        }

        /// Waits until that announcement's visit is over; a withdrawal is not its end.
        func end(of jti: TokenID) async throws {
            while !ended.contains(.kiosk(.presenceEnded(jti))) { try await take() }
            #expect(!ended.contains(.kiosk(.withdrawn(jti))))
        }
    }

    @Test("A card that flutters is one visit: the welcome again, one announcement, and its end when the gap has passed")
    func flutter() async throws {
        try await InProcessPilot.withPilot(minGap: "1500ms") { cards, pilot in
            let visits = Visits(pilot)
            let card = try CardInField(cards.good.profile)
            for number in 0..<4 {
                pilot.reader.insert(card)
                #expect(await pilot.nextTap().code == (number == 0 ? "ok" : "too_soon"))
                // A display shows the newest text; here each is waited for.
                while pilot.shown.count(where: { $0.contains("Card accepted") }) <= number { await Task.yield() }
                pilot.reader.remove()
            }
            let first = try await visits.announcement(1)
            try await visits.end(of: first)
            #expect(visits.presented == [first])
            // The visit is over: the next one is another.
            #expect(await pilot.tap(card).code == "ok")
            #expect(try await visits.announcement(2) != first)
        }
    }

    @Test("A card that is back before its gap has passed, and is read after it, is the same visit; so its end waits")
    func backInTime() async throws {
        try await InProcessPilot.withPilot(minGap: "400ms") { cards, pilot in
            let visits = Visits(pilot)
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            // Its certificate alone takes longer than the gap.
            var faults = CardFaults()
            faults.delay = 300
            #expect(await pilot.tap(try CardInField(cards.good.profile, faults: faults)).code == "too_soon")
            let first = try await visits.announcement(1)
            try await visits.end(of: first)
            #expect(visits.presented == [first])
        }
    }

    @Test("Another card ends the visit at once, though the gap has not passed; so does one that nobody knows")
    func anotherCard() async throws {
        try await InProcessPilot.withPilot(minGap: "1h") { cards, pilot in
            let visits = Visits(pilot)
            for (number, other) in [cards.revoked, cards.unregistered].enumerated() {
                #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
                _ = await pilot.tap(try CardInField(other.profile))
                try await visits.end(of: visits.announcement(number + 1))
            }
        }
    }

    @Test("A copy of the certificate is refused as ever, and holds no visit open")
    func copy() async throws {
        try await InProcessPilot.withPilot(minGap: "1500ms") { cards, pilot in
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            let isOver = Mutex(false)
            let watching = Task {
                defer { isOver.withLock { $0 = true } }
                let visits = Visits(pilot)
                try await visits.end(of: visits.announcement(1))
            }
            // One after the other, until the gap has passed.
            var codes: Set<String> = []
            while !isOver.withLock({ $0 }) {
                codes.insert(await pilot.tap(try CardInField(cards.copied.profile)).code)
            }
            #expect(codes == ["not_proven"])
            try await watching.value
        }
    }

    @Test("A copy that is left lying on the reader holds no visit open either")
    func copyThatStays() async throws {
        try await InProcessPilot.withPilot(minGap: "500ms") { cards, pilot in
            let visits = Visits(pilot)
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            pilot.reader.insert(try CardInField(cards.copied.profile))
            #expect(await pilot.nextTap().code == "not_proven")
            try await visits.end(of: visits.announcement(1))
        }
    }

    @Test("Without a gap the visit ends with the removal")
    func noGap() async throws {
        try await InProcessPilot.withPilot(minGap: "0s") { cards, pilot in
            let visits = Visits(pilot)
            for number in 1...2 {
                #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
                try await visits.end(of: visits.announcement(number))
            }
        }
    }
}

/// What is left of a tap when the kiosk ends in its middle.
@Suite(.timeLimit(.minutes(2))) struct WindDownTests {
    private func withPilot(_ body: (PilotCards, InProcessPilot) async throws -> Void) async throws {
        try await InProcessPilot.withPilot(minGap: "1h") { cards, pilot in
            try await pilot.owedIsDelivered()
            try await body(cards, pilot)
        }
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
        try await withPilot { cards, pilot in
            pilot.reader.insert(try CardInField(cards.good.profile))
            #expect(await pilot.nextTap().code == "ok")
            if !isThere { pilot.reader.remove() }
            await pilot.stopKiosk()
            #expect(await Set(events(pilot)).isSuperset(of: ["urn:kazashi:presented", "urn:kazashi:presence-ended"]))
        }
    }

    @Test("A tap that was on its way to the library is taken back")
    func announcing() async throws {
        try await withPilot { cards, pilot in
            await pilot.desk.behave(.slow(.seconds(3)))
            let arrivals = await pilot.desk.arrivals()
            pilot.reader.insert(try CardInField(cards.good.profile))
            for await method in arrivals where method == "POST" { break }
            await pilot.desk.behave(.normal)
            await pilot.stopKiosk()
            #expect(await events(pilot).contains("urn:kazashi:withdrawn"))
        }
    }

    @Test("A card in the middle of its work is powered down, and nothing was said of it")
    func reading() async throws {
        try await withPilot { cards, pilot in
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
