import Dispatch
import Kiosk
import Pilot
import Service
import Testing
import VirtualCard

/// A disk that does not answer.
@Suite(.timeLimit(.minutes(2))) struct DiskTests {
    @Test("A disk that does not come back from storing the time keeps no tap waiting")
    func hangingDisk() async throws {
        let hung = DispatchSemaphore(value: 0)
        let (begun, continuation) = AsyncStream<Void>.makeStream()
        try await InProcessPilot.withPilot { cards in
            let disk = StateDisk(state: cards.folder.path + "/state") { _, _ in
                continuation.yield()
                hung.wait()
                return true
            }
            return try await InProcessPilot(folder: cards.folder, records: cards.records, disk: disk)
        } _: { cards, pilot async throws -> Void in
            for await _ in begun { break }
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            hung.signal()
        }
    }

    @Test("A disk that answers nothing is D2 at the fourth look, and well again when it answers")
    func silentDisk() async throws {
        let hung = DispatchSemaphore(value: 0)
        try await InProcessPilot.withPilot { cards in
            let disk = StateDisk(state: cards.folder.path + "/state") { _, _ in
                hung.wait()
                return true
            }
            return try await InProcessPilot(
                folder: cards.folder, records: cards.records, becomesReady: false,
                healthInterval: .milliseconds(100), disk: disk)
        } _: { cards, pilot async throws -> Void in
            #expect(await pilot.log(containing: #""cause": storage"#) != nil)
            #expect(await pilot.runtime.status().code == "D2")
            let tap = try await pilot.tap(CardInField(cards.good.profile))
            #expect(tap.code == "out_of_service" && tap.apdus == 0 && tap.card_ms == 0)
            hung.signal()
            #expect(await pilot.log(containing: "info ready") != nil)
        }
    }
}
