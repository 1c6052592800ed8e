import Foundation
import Glibc
import Pilot
import TestRig
import Testing

extension ImageRuns {
    /// A newer system, from a stick and from the network; and one that does not get well.
    struct UpdateTests {
        /// Those of `board/dev/update` that are tried; one that is not well takes five minutes three times.
        private static let faults =
            getenv("KAZASHI_FAULTS").map { String(cString: $0) }?.split(separator: " ")
            .map(String.init) ?? ["no-start", "no-root", "not-well"]

        private func reports(_ disk: FlashedDisk, _ text: String) async throws -> Bool {
            try await disk.text(of: "kazashi-report.txt")?.contains(text) == true
        }

        /// Settings that name a server on which a newer system lies, and that system.
        private func publish(for disk: FlashedDisk, givesParts: Bool) async throws -> UpdateServer {
            let server = try await UpdateServer(disk.folder, givesParts: givesParts)
            let bundle = try await disk.update(version: "0.5.1", in: disk.folder)
            try FileManager.default.moveItem(atPath: bundle, toPath: disk.folder + "/kazashi.raucb")
            try await disk.settle(
                board: """
                    update_url = "\(server.url)"
                    update_hours = "00:00-23:59"
                    server_ca = "server.pem"
                    """)
            try await disk.put(server.certificate)
            return server
        }

        /// A slot was tried and found good, and its tries are set back.
        private func isGood(_ disk: FlashedDisk, in slot: String) async throws -> Bool {
            let remembered = try await disk.environment()
            return remembered?["\(slot)_GOOD"] != nil && remembered?["\(slot)_TRY"] == "0"
        }

        @Test(
            "A newer system on a stick is installed into the other slot, runs, and is marked good; the display leads",
            arguments: ApplianceBoard.tried)
        func update(board: ApplianceBoard) async throws {
            let disk = try await FlashedDisk(board)
            defer { disk.remove() }
            let before = try #require(await disk.environment())
            #expect(before["ORDER"] == "A B" && before["A_OK"] == "1" && before["B_OK"] == "0")
            try await disk.settle()
            let stick = try await disk.stick(version: "0.5.1")
            try await ApplianceMachine.whileRunning(disk, .init(stick: stick)) { machine in
                #expect(await machine.display.shows("Updating: wait") != nil)
                #expect(await machine.display.shows("Updated") != nil)
                #expect(await machine.display.shows("Hold here") != nil)
                try await ImageRuns.wait { try await reports(disk, "Kazashi 0.5.1, slot B, TEST updates") }
                try await ImageRuns.wait { try await isGood(disk, in: "B") }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "B A" && after["B_OK"] == "1", "\(after)")
                #expect(after["A_OK"] == "1" && after["B_GOOD"] != after["A_GOOD"])
            }
            // Switched off and on: it is no longer on trial. The stick holds nothing newer.
            try await ApplianceMachine.whileRunning(disk, .init(stick: stick)) { _ in
                try await ImageRuns.wait { try await disk.environment()?["B_TRY"] == "1" }
                try await ImageRuns.wait { try await disk.environment()?["B_TRY"] == "0" }
            }
        }

        @Test("So is one from the network, whether its server gives parts or not", arguments: [true, false])
        func network(givesParts: Bool) async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let server = try await publish(for: disk, givesParts: givesParts)
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Updating: wait") != nil)
                #expect(await machine.display.shows("Updated") != nil)
                try await ImageRuns.wait { try await isGood(disk, in: "B") }
            }
            await server.stop()
            #expect(server.requests.contains(" 206 ") == givesParts, "\(server.requests)")
        }

        enum Halfway: CaseIterable { case damaged, pulled, lost }

        @Test(
            "One that is damaged, pulled out half-way or whose server is lost is told of, and the system that runs goes on",
            arguments: Halfway.allCases)
        func halfway(how: Halfway) async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let server = how == .lost ? try await publish(for: disk, givesParts: true) : nil
            var stick: String?
            if server == nil {
                try await disk.settle()
                stick = try await disk.stick(version: "0.5.1", isDamaged: how == .damaged)
            }
            try await ApplianceMachine.whileRunning(disk, .init(stick: stick)) { machine in
                #expect(await machine.display.shows("Updating: wait") != nil)
                if how != .damaged {
                    try await ImageRuns.wait { try disk.isWritten("kazashi-root-b") }
                    if let server { await server.stop() } else { machine.unplug(.stick) }
                }
                // Nobody stands before a board that fetches by itself.
                if how != .lost { #expect(await machine.display.shows("Update error V4") != nil) }
                #expect(await machine.display.shows("Hold here") != nil)
                try await ImageRuns.wait { try await reports(disk, ": V4 0.5.1") }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "A B" && after["A_OK"] == "1" && after["B_OK"] == "0", "\(after)")
            }
        }

        @Test(
            "One that does not start, or never gets well, is given up after three tries, for good; display, report and doctor say so",
            arguments: ApplianceBoard.tried, faults)
        func fallback(board: ApplianceBoard, fault: String) async throws {
            let disk = try await FlashedDisk(board)
            defer { disk.remove() }
            try await disk.settle()
            let stick = try await disk.stick(version: "0.5.1", fault: fault)
            try await ApplianceMachine.whileRunning(disk, .init(stick: stick)) { machine in
                try await ImageRuns.wait { try await disk.environment()?["B_TRY"] == "3" }
                #expect(await machine.display.shows("Update error V5") != nil)
                #expect(await machine.display.shows("Hold here") != nil)
                try await ImageRuns.wait { try await reports(disk, "Slot B (version 0.5.1) did not start") }
                try await ImageRuns.wait { try await reports(disk, "slot A 0.5.0 instead of B 0.5.1") }
                // A runs again, and does not install it again.
                try await ImageRuns.wait { try await disk.environment()?["A_TRY"] == "0" }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "B A" && after["B_TRY"] == "3" && after["B_GOOD"] == nil, "\(after)")
            }
        }

        @Test(
            "Without what the loader remembers slot A starts, and it is written anew",
            arguments: [[], Array(repeating: 0x23, count: 100), Array(repeating: 0x00, count: 1_024)] as [[UInt8]])
        func torn(environment: [UInt8]) async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try await disk.setEnvironment(environment)
            try await writtenAnew(disk)
        }

        @Test("So it is when the loader's whole partition is damaged")
        func damaged() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try disk.overwrite("kazashi-env")
            try await writtenAnew(disk)
        }

        private func writtenAnew(_ disk: FlashedDisk) async throws {
            try await ApplianceMachine.whileRunning(disk) { _ in
                try await ImageRuns.wait { try await isGood(disk, in: "A") }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "A B" && after["A_OK"] == "1", "\(after)")
            }
        }
    }
}
