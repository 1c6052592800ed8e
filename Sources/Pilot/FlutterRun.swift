internal import Desk
internal import Foundation
internal import SecurityEvents
internal import Synchronization
internal import TestPKI
internal import VirtualCard

/// A card whose contact comes and goes, seen from the library's desk: each stay of a patron is one session there, opened once
/// and closed once, after the card is gone for good. Seeded: the same seed gives the same flutter.
package struct FlutterRun: Sendable {
    package struct Report: Sendable {
        package var stays = 0
        /// Contacts between card and reader.
        package var contacts = 0
        package var opened = 0
        package var closed = 0
        /// Outcomes, by code.
        package var codes: [String: Int] = [:]
        /// Stays that were not one session, and why.
        package var faults: [String] = []
    }

    /// What the desk has of a stay.
    private struct Session: Sendable {
        var opened: [TokenID] = []
        var closed: [TokenID] = []
        var waiting: AsyncStream<Void>.Continuation?
    }

    private let seed: UInt64
    private let gap = Duration.seconds(2)

    package init(seed: UInt64) { self.seed = seed }

    /// - Parameters:
    ///   - duration: no stay begins later.
    ///   - tell: each stay's report so far.
    package func run(for duration: Duration, tell: (Report) -> Void = { _ in }) async throws -> Report {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = PilotFolder.Options()
        options.minGap = "2s"
        let cards = try PilotCards.make(in: path, options: options)
        let pilot = try await InProcessPilot(folder: cards.folder, records: cards.records, options: options)
        let session = Mutex(Session())
        let desk = Task {
            for await receipt in pilot.desk.receipts {
                guard case .success(let accepted) = receipt.result, !accepted.isDuplicate else { continue }
                session.withLock { session in
                    switch accepted.event {
                    case .person(.presented, _): session.opened.append(accepted.jti)
                    // One that was withdrawn is closed, too, and none should be.
                    case .kiosk(.presenceEnded(let jti)), .kiosk(.withdrawn(let jti)):
                        session.closed.append(jti)
                        session.waiting?.yield()
                    case nil, .person, .kiosk: break
                    }
                }
            }
        }
        let codes = Mutex<[String: Int]>([:])
        let outcomes = Task {
            while !Task.isCancelled {
                let tap = await pilot.nextTap()
                codes.withLock { $0[tap.code, default: 0] += 1 }
            }
        }
        var random = SeededGenerator(seed: seed)
        var report = Report()
        let end = ContinuousClock.now + duration
        let card = try CardInField(cards.good.profile)
        while ContinuousClock.now < end {
            session.withLock { $0 = Session() }
            let lastSeen = try await stay(card, pilot, &random, &report)
            try await judge(session, since: lastSeen, &report)
            report.codes = codes.withLock { $0 }
            tell(report)
        }
        outcomes.cancel()
        await pilot.stop()
        desk.cancel()
        return report
    }

    /// Some seconds of flutter; the first contact is a good one.
    /// - Returns: when the last contact ended.
    private func stay(
        _ card: CardInField, _ pilot: InProcessPilot, _ random: inout SeededGenerator, _ report: inout Report
    ) async throws -> ContinuousClock.Instant {
        report.stays += 1
        for number in 0..<Int.random(in: 1...12, using: &random) {
            let isGood = number == 0 || Int.random(in: 0..<10, using: &random) < 7
            pilot.reader.insert(card)
            report.contacts += 1
            try await Task.sleep(for: .milliseconds(Int.random(in: isGood ? 400...1_200 : 1...40, using: &random)))
            pilot.reader.remove()
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...250, using: &random)))
        }
        return .now
    }

    /// Waits until the session is closed, and says what was not as it should be.
    private func judge(
        _ session: borrowing Mutex<Session>, since lastSeen: ContinuousClock.Instant, _ report: inout Report
    ) async throws {
        let (closings, continuation) = AsyncStream<Void>.makeStream()
        let isClosed = session.withLock { session in
            session.waiting = continuation
            return !session.closed.isEmpty
        }
        let stay = report.stays
        if isClosed { report.faults.append("stay \(stay): closed while the card fluttered") }
        let limit = Task {
            try await Task.sleep(for: .seconds(20))
            continuation.finish()
        }
        if !isClosed { for await _ in closings { break } }
        limit.cancel()
        let away = lastSeen.duration(to: .now)
        let (opened, closed) = session.withLock { ($0.opened, $0.closed) }
        report.opened += opened.count
        report.closed += closed.count
        if opened.count != 1 { report.faults.append("stay \(stay): opened \(opened.count) times") }
        if opened != closed { report.faults.append("stay \(stay): \(closed.count) of \(opened.count) closed") }
        // The last contact may have been too short to prove anything: the gap counts from the last good one.
        if away > gap + .seconds(5) { report.faults.append("stay \(stay): closed after \(away)") }
    }
}
