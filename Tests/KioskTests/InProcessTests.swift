import Announcement
import Cryptography
import Desk
import Foundation
@testable import Kiosk
import Login
import Pilot
import Registry
import SecurityEvents
import Synchronization
import TestPKI
import Testing
import VirtualCard

/// The runtime without pcscd: what holds on every machine, namespaces or not.
@Suite(.timeLimit(.minutes(2))) struct InProcessTests {
    private func withPilot(
        storedTime: Int64? = nil, _ body: (PilotCards, InProcessPilot) async throws -> Void
    ) async throws {
        try await InProcessPilot.withPilot { cards in
            if let storedTime { try cards.folder.write("state/time", Array("\(storedTime)\n".utf8)) }
            return try await InProcessPilot(folder: cards.folder, records: cards.records)
        } _: { cards, pilot in
            try await body(cards, pilot)
            await pilot.stopKiosk()
            for identity in PilotCards.identities {
                #expect(!(pilot.logged + pilot.shown.joined()).contains(identity), "an identity stands in the logs")
            }
        }
    }

    @Test("The four cards of the demonstration")
    func four() async throws {
        try await withPilot { (cards, pilot) async throws -> Void in
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            #expect(try await pilot.tap(CardInField(cards.copied.profile)).code == "not_proven")
            #expect(try await pilot.tap(CardInField(cards.revoked.profile)).code == "revoked")
            #expect(try await pilot.tap(CardInField(cards.unregistered.profile)).code == "unregistered")
            for await receipt in pilot.desk.receipts {
                guard case .success(let accepted) = receipt.result,
                    case .person(.presented, let subject) = accepted.event
                else { continue }
                #expect(subject.subject == PilotCards.ppids["good"])
                break
            }
        }
    }

    /// A kiosk whose record of the good card has no card key and another birth date; and the card's tries that are left.
    private func withWrongBirthDate(
        faults: CardFaults = CardFaults(), rehearsal: (@Sendable (Rehearsed) -> Void)? = nil,
        _ body: (InProcessPilot, CardInField, () -> Int?) async throws -> Void
    ) async throws {
        try await InProcessPilot.withPilot { cards in
            var record = cards.folder.record(of: cards.good, ppid: "PPID-1")
            record["birth_date"] = "1980-02-18"  // safe: a dictionary
            return try await InProcessPilot(folder: cards.folder, records: [record], rehearsal: rehearsal)
        } _: { cards, pilot in
            let card = try CardInField(cards.good.profile, faults: faults)
            try await body(pilot, card) {
                card.profile.applications.flatMap(\.secrets).first { $0.value == "550217" }?.left
            }
        }
    }

    @Test(
        "A wrong birth date in a record without a card key spends two tries of the card, and then none until staff says so"
    )
    func refusedBirthDate() async throws {
        try await withWrongBirthDate { pilot, card, left in
            #expect(left() == 10)
            for tries in [9, 8, 8, 8] {
                #expect(await pilot.tap(card).code == "birth_date_refused")
                #expect(left() == tries)
            }
            // Nobody is suspended for what anybody's card could have done.
            #expect(try await pilot.store.list().map(\.state) == [.active])
            let id = try await pilot.store.id(short: try #require(try await pilot.store.list().first?.id))
            try await pilot.store.retryBirthDate(id)
            #expect(await pilot.tap(card).code == "birth_date_refused")
            #expect(left() == 7)
        }
    }

    @Test("A card that accepts the birth date begins the count of refusals anew, also where it proves nothing then")
    func acceptedBirthDate() async throws {
        try await InProcessPilot.withPilot { cards in
            try await InProcessPilot(
                folder: cards.folder, records: [cards.folder.record(of: cards.good, ppid: "PPID-1")])
        } _: { cards, pilot in
            // Its age record is another municipality's than its certificate says.
            let record = try TestMunicipality(digits: "1322130")
                .ageRecord(birthDate: "19800217", cardKey: cards.good.cardKey.publicKey)
            let card = try CardInField(profile(of: cards.good, with: [0x01: record]))
            for _ in 0..<4 {
                let code = await pilot.tap(card).code
                #expect(code == "not_proven")
            }
        }
    }

    @Test("A card that is pulled while it looks at the birth date, and a rehearsal, spend tries that are counted")
    func uncountedTries() async throws {
        for isRehearsal in [false, true] {
            var faults = CardFaults()
            faults.losesVerify = !isRehearsal
            try await withWrongBirthDate(faults: faults, rehearsal: isRehearsal ? { @Sendable _ in } : nil) {
                pilot, card, left in
                for (tries, code) in [(9, "card_pulled"), (8, "card_pulled"), (8, "birth_date_refused")] {
                    #expect(await pilot.tap(card).code == (isRehearsal ? "birth_date_refused" : code))
                    #expect(left() == tries, "\(isRehearsal)")
                }
            }
        }
    }

    @Test("A rehearsal tells no library, of a card or of an outage, and opens no connection")
    func rehearsal() async throws {
        try await InProcessPilot.withPilot { cards in
            try await InProcessPilot(folder: cards.folder, records: cards.records, rehearsal: { _ in })
        } _: { cards, pilot async throws -> Void in
            let asked = Mutex<[String]>([])
            let arrivals = await pilot.desk.arrivals()
            let listening = Task {
                for await method in arrivals { asked.withLock { $0.append(method) } }
            }
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            #expect(await pilot.runtime.report(outage: .reader, at: nil) == nil)
            #expect(await pilot.runtime.reportLeftCard(at: nil) == nil)
            await pilot.stop()
            listening.cancel()
            await listening.value
            #expect(asked.withLock(\.self) == [])
        }
    }

    /// A card with other files of 券面事項確認, by their short identifiers.
    private func profile(of card: IssuedCard, with files: [UInt8: [UInt8]]) throws -> CardProfile {
        var profile = card.profile
        let visual = try #require(profile.applications.firstIndex { $0.secrets.contains { $0.value == "550217" } })
        for (file, contents) in files {
            let index = try #require(profile.applications[visual].files.firstIndex { $0.id == file })
            profile.applications[visual].files[index].contents = Data(contents)
        }
        return profile
    }

    @Test("A remembered issuer of the age record is a hint: a card with another's record is proven all the same")
    func otherIssuer() async throws {
        try await withPilot { cards, pilot in
            #expect(await pilot.tap(try CardInField(cards.good.profile)).code == "ok")
            // The same card, with a record that another municipality signed since.
            let municipality = try TestMunicipality(digits: "1322130")
            let profile = try profile(
                of: cards.good,
                with: [
                    0x01: municipality.ageRecord(birthDate: "19800217", cardKey: cards.good.cardKey.publicKey),
                    0x04: cards.folder.issuers.visual.cvCertificate(for: municipality),
                ])
            for _ in 0..<2 { #expect(await pilot.tap(try CardInField(profile)).code == "ok") }
        }
    }

    @Test("A stored time of the far future bricks nothing, and is put right")
    func forgedTime() async throws {
        try await withPilot(storedTime: 9_999_999_999) { cards, pilot in
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            #expect(try await pilot.tap(CardInField(cards.revoked.profile)).code == "revoked")
            // The disk has a thread of its own, and its time.
            var stored: Int64?
            repeat {
                await Task.yield()
                let text = try String(contentsOfFile: cards.folder.path + "/state/time", encoding: .utf8)
                stored = Int64(text.dropLast())
            } while stored == 9_999_999_999
            #expect(stored.map { $0 < cards.folder.now + 48 * 3_600 } == true)
        }
    }

    @Test("After outcome and removal nothing of the patron is held; a card is powered down once")
    func forgotten() async throws {
        try await withPilot { cards, pilot in
            let card = try CardInField(cards.good.profile)
            _ = await pilot.tap(card)
            _ = try await pilot.tap(CardInField(cards.unregistered.profile))
            // The second tap's outcome came after the first one's removal was handled.
            #expect(card.powerDowns == 1)
            #expect(await pilot.runtime.presencesHeld <= 1)
        }
    }

    @Test("A tap that no library took is told to the patron and kept nowhere")
    func unreachable() async throws {
        try await withPilot { cards, pilot in
            try await pilot.owedIsDelivered()
            await pilot.desk.behave(.answers(500))
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "library_unreachable")
            // Nothing is owed for it, and nothing of it lies in the state folder.
            #expect(try await pilot.outbox.depth() == [:])
            let folder = cards.folder.path + "/state"
            let ppid = try #require(PilotCards.ppids["good"])
            for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
                #expect(bytes.range(of: Data(ppid.utf8)) == nil, "\(name)")
                #expect(bytes.range(of: Data("eyJ".utf8)) == nil, "a token lies in \(name)")
            }
        }
    }

    @Test("A card removed while the library is asked is still acknowledged, and the next one waits")
    func removedEarly() async throws {
        try await withPilot { cards, pilot in
            try await pilot.owedIsDelivered()
            await pilot.desk.behave(.slow(.milliseconds(300)))
            let arrivals = await pilot.desk.arrivals()
            pilot.reader.insert(try CardInField(cards.good.profile))
            for await method in arrivals where method == "POST" { break }
            pilot.reader.remove()
            pilot.reader.insert(try CardInField(cards.unregistered.profile))
            #expect(await pilot.nextTap().code == "ok")
            #expect(await pilot.nextTap().code == "unregistered")
        }
    }
}
