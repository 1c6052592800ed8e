import Desk
import Foundation
import Glibc
import JOSE
import Pilot
import RealStackSuite
import SecurityEvents
import TestRig
import Testing
import VirtualCard

extension RealStack {
    /// The image as `board/image x86_64` makes it, on an emulated PC. In CI it is made before, and one that is missing is a
    /// failure.
    @Suite(
        .serialized, .timeLimit(.minutes(15)),
        .enabled(
            if: ApplianceBoard.tried.allSatisfy { $0.isThere } || getenv("CI") != nil,
            "needs an image (board/image x86_64), QEMU, OVMF and mtools"))
    struct ApplianceTests {
        /// What is on the partition once all is taken in; mtools shows short names as DOS writes them.
        private static let left = [
            "anchors/", "card-anchors.json", "central-sign.jwk", "central.jwk", "crl/", "kazashi-report.txt",
            "kazashi-template.toml", "kazashi.toml.txt",
        ]

        @Test("Flashed, and switched on without a file: the display says what is missing, and so does the report")
        func flash() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            #expect(try await disk.names() == ["kazashi-template.toml"])
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Setup U2") != nil)
                #expect(await machine.otherDisplay.shows("Setup U2") != nil)
                let report = try await disk.report(with: "It stands here once there are usable settings.")
                #expect(report.hasPrefix("\u{FEFF}Kazashi ") && report.contains("slot A, TEST updates"), "\(report)")
                #expect(report.contains("U2 There is no kazashi.toml on the partition KAZASHI\r\n"), "\(report)")
                // The data partition takes all of the medium, but for what the table's copy needs.
                let data = try #require(disk.partitions()["kazashi-data"])
                #expect(data.upperBound > FlashedDisk.size - (2 << 20) && data.upperBound < FlashedDisk.size)
            }
        }

        @Test(
            "Filled in and switched on, it reports its key; a card on its reader is told to the library, also after a mistake in the file",
            arguments: ApplianceBoard.tried)
        func tap(board: ApplianceBoard) async throws {
            let disk = try await FlashedDisk(board)
            defer { disk.remove() }
            let free = try LoopbackSocket.bound(SOCK_STREAM)
            close(free.descriptor)
            let cards = try PilotCards.make(in: disk.folder + "/pilot")
            let files = TechnicianFiles(cards: cards, port: free.port)
            try await files.put(on: disk)
            var kiosk: PublicJWK?
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                let report = try await disk.report(with: "== kazashi doctor")
                let key = try #require(ApplianceLibrary.key(in: report), "\(report)")
                #expect(report.contains("kazashi.toml of this partition serves."), "\(report)")
                // They named people, and a secret is encrypted to this machine.
                #expect(try await disk.names().sorted() == Self.left, "\(report)")
                let named = try #require(PublicJWK.parse(Array(key.utf8), for: .verifying).first)
                kiosk = named
                let library = try await ApplianceLibrary(of: cards, port: free.port, kiosk: named)
                #expect(try await library.told(of: cards.good, laidOn: machine) == PilotCards.ppids["good"])
                await library.stop()
            }
            // The plug was pulled. Now somebody makes a mistake in the file's second line.
            let wrong = try files.configuration().replacing("id = \"\(PilotFolder.kioskID)\"", with: "id = \"\"")
            try await disk.remove("kazashi.toml.txt")
            try await disk.write(wrong, to: "kazashi.toml")
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Setup U3 L2") != nil)
                #expect(await machine.display.shows("Hold here") != nil)
                let library = try await ApplianceLibrary(of: cards, port: free.port, kiosk: try #require(kiosk))
                #expect(try await library.told(of: cards.good, laidOn: machine) == PilotCards.ppids["good"])
                await library.stop()
                let report = try await disk.report(with: "line 2, kiosk.id: must not be empty\r\n")
                #expect(report.contains("The last good settings serve."), "\(report)")
            }
        }

        @Test(
            "A file factory-reset destroys keys and registrations once: the board starts as one that was just flashed")
        func reset() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let cards = try PilotCards.make(in: disk.folder + "/pilot")
            try await TechnicianFiles(cards: cards, port: 9).put(on: disk)
            var before: Substring?
            try await ApplianceMachine.whileRunning(disk) { _ in
                before = ApplianceLibrary.key(in: try await disk.report(with: "2 registrations"))
            }
            #expect(before != nil)
            try await disk.write("", to: "factory-reset.txt")
            try await ApplianceMachine.whileRunning(disk) { _ in
                // The secret that its settings want went with the rest, and does not lie on the partition any more.
                let report = try await disk.report(with: "Factory reset: keys and registrations are gone.")
                #expect(report.contains("It stands here once there are usable settings."), "\(report)")
                #expect(try await !disk.names().contains("factory-reset.txt"))
            }
            try await disk.write(
                String(contentsOfFile: cards.folder.path + "/central-shared.jwk", encoding: .utf8), to: "branch.jwk")
            try await ApplianceMachine.whileRunning(disk) { _ in
                let report = try await disk.report(with: "== kazashi doctor")
                #expect(
                    ApplianceLibrary.key(in: report) != nil && ApplianceLibrary.key(in: report) != before, "\(report)")
                #expect(!report.contains("2 registrations"), "\(report)")
            }
        }
    }
}
