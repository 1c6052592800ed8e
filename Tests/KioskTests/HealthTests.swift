import Advice
import Clock
import Foundation
@testable import Kiosk
import ListKeeper
import Login
import Pilot
import Registry
import Service
import Settings
import Synchronization
import Testing
import VirtualCard

/// What makes a kiosk ready, and what takes that away.
@Suite(.timeLimit(.minutes(2))) struct HealthTests {
    @Test("A database that fails is R1 until the disk was looked at again; a damaged row is one patron's")
    func database() async throws {
        try await InProcessPilot.withPilot(
            make: { try await InProcessPilot(folder: $0.folder, records: $0.records, healthInterval: .seconds(3_600)) }
        ) { _, pilot in
            let runtime = pilot.runtime
            _ = try #require(await pilot.log(containing: "info ready"))
            await runtime.noteDatabase(RegistryError(.damaged))
            await runtime.noteDatabase(RegistryError(.wrongKey, status: 26))
            #expect(await runtime.status().state == "ready")
            for error in [RegistryError(.unavailable), RegistryError(.damaged, status: 11)] {
                await runtime.noteDatabase(error)
                #expect(await runtime.status().cause == "registry")
                await runtime.askDisk()
                _ = try #require(await pilot.log(containing: "info ready"))
            }
        }
    }

    /// A kiosk whose kernel says so of its clock, and what it had logged when it was out of service for it.
    private func logged(_ kernel: KernelClock, _ offset: Int64) async throws -> String {
        let logged = Mutex("")
        try await InProcessPilot.withPilot { cards in
            // The list is served before the clock goes wrong.
            let before = try await InProcessPilot(folder: cards.folder, records: cards.records)
            await before.stop()
            let clock = TrustedClock(
                source: .synchronised, system: { cards.folder.now + offset }, kernel: { kernel })
            return try await InProcessPilot(
                folder: cards.folder, records: [], becomesReady: false, healthInterval: .milliseconds(50),
                systemClock: clock)
        } _: { _, pilot in
            _ = try #require(await pilot.log(containing: #""cause": clock"#))
            // What is said, is said at the latest at the next look; and nothing is said twice.
            for _ in 0..<3 { await pilot.runtime.checkHealth() }
            let lines = pilot.logged
            logged.withLock { $0 = lines }
        }
        return logged.withLock { $0 }
    }

    @Test("A time server that is awaited is no fault; a kernel that cannot be asked, and a clock that is behind, are")
    func clock() async throws {
        let (unknown, behind) = (KioskNote.clockUnknown.advice, KioskNote.clockBehind.advice)
        let cases: [(KernelClock, Int64, isUnknown: Bool, isBehind: Bool)] = [
            (.unsynchronised, 0, false, false), (.unknown(1), 0, true, false),
            (.synchronised, -400 * 86_400, false, true),
        ]
        for (kernel, offset, isUnknown, isBehind) in cases {
            let lines = try await logged(kernel, offset)
            #expect(lines.contains(unknown.happened.english) == isUnknown, "\(kernel)")
            #expect(lines.contains(behind.happened.english) == isBehind, "\(kernel)")
            #expect(lines.split(separator: "\n").count { $0.contains(#""cause": clock"#) } == 1)
        }
    }

    @Test("A program that keeps no lists knows those of the kiosk's store, and makes no store where there is none")
    func lists() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        try cards.folder.writeConfiguration(PilotFolder.Options())
        let before = try Configuration(file: cards.folder.configuration)
        #expect(ServedLists(of: before).signed.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: before.revocationStore))
        let pilot = try await InProcessPilot(folder: cards.folder, records: cards.records)
        try await pilot.whileRunning {
            let configuration = try Configuration(file: cards.folder.configuration)
            #expect(ServedLists(of: configuration).signed.count == 1)
        }
    }

    @Test("Times in the output are rounded to microseconds")
    func output() {
        let lines = Mutex<[String]>([])
        let output = TapOutput { line in lines.withLock { $0.append(line) } }
        output.tap(.welcomed, milliseconds: 12.345_678_9, cardMilliseconds: 0.000_4, exchanges: 3)
        output.state(.clock)
        output.state(nil)
        #expect(
            lines.withLock(\.self) == [
                #"{"event":"tap","outcome":"welcomed","code":"ok","ms":12.346,"card_ms":0.0,"apdus":3}"#,
                #"{"event":"state","state":"out_of_service","cause":"clock"}"#,
                #"{"event":"state","state":"ready","cause":null}"#,
            ])
    }
}
