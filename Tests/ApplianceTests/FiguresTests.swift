import Foundation
import Glibc
import JOSE
import Pilot
import TestRig
import Testing

extension ImageRuns {
    /// What the image costs: `board/test-image figures` prints the table. Times are printed and not judged: an emulated PC's
    /// are not a board's.
    struct FiguresTests {
        private static let taps = 40
        private static let idle = Duration.seconds(600)
        private static let entries = 100_000
        /// Everything that the image adds to Debian's systemd.
        private static let ours = [
            "kazashi.service", "kazashi-keys.service", "kazashi-provision.service", "kazashi-slot.service",
            "kazashi-grow.service", "kazashi-judge.service", "kazashi-report.timer", "kazashi-fetch.timer",
            "kazashi-metrics.service", "systemd-journal-upload.service", "pcscd.socket", "chrony.service",
            "systemd-networkd.service", "systemd-networkd.socket", "systemd-resolved.service",
            "kazashi-line@ttyUSB0.service",
            "kazashi-line@ttyUSB1.service",
        ]

        @Test("Memory, and what is written to the data partition; the time to ready is told")
        func figures() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let free = try LoopbackSocket.bound(SOCK_STREAM)
            close(free.descriptor)
            let cards = try PilotCards.make(in: disk.folder + "/pilot")
            try await TechnicianFiles(cards: cards, port: free.port).put(on: disk)
            let serials = (0..<Self.entries).map { number -> [UInt8] in
                [0x10, UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
            }
            let list = try cards.folder.list(age: 0.5, revoked: serials, number: 2)
            try Data(list).write(to: URL(filePath: disk.folder + "/large.crl"))
            try await disk.put(disk.folder + "/large.crl")
            var table = ["| figure | measured | limit |", "|---|---|---|"]
            // The first start takes the settings in; it is not one that is measured.
            var kiosk: PublicJWK?
            try await ApplianceMachine.whileRunning(disk) { _ in
                let report = try await disk.report(with: "== kazashi doctor")
                let key = try #require(ApplianceLibrary.key(in: report), "\(report)")
                kiosk = try PublicJWK.parse(Array(key.utf8), for: .verifying).first
            }
            let library = try await ApplianceLibrary(of: cards, port: free.port, kiosk: try #require(kiosk))
            let ready = try await timeToReady(disk)

            try await disk.addKernelWords(GuestShell.kernelWords)
            let console = try PseudoTerminal()
            defer { console.close() }
            try await ApplianceMachine.whileRunning(disk, .init(memory: 256, console: console)) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                let shell = try await GuestShell(console)
                #expect(try await library.told(of: cards.good, laidOn: machine) == PilotCards.ppids["good"])
                // The judge has read the whole root by then.
                try await ImageRuns.wait { try await disk.environment()?["A_TRY"] == "0" }
                let before = try await written(shell)
                #expect(before > 0)
                for _ in 0..<Self.taps {
                    #expect(try await library.told(of: cards.good, laidOn: machine) == PilotCards.ppids["good"])
                }
                let perTap = (try await written(shell) - before) / Self.taps
                let used = try await shell.number(
                    "awk '/^MemTotal/ {t = $2} /^MemAvailable/ {print t - $2}' /proc/meminfo")
                let daemon = try await shell.number(
                    "sed -n 's/^RssAnon://p' /proc/$(systemctl show -p MainPID --value kazashi)/status")
                table.append("| memory used, of 256 MB | \(used / 1_024) MB | 200 MB |")
                table.append("| the daemon's RssAnon | \(Self.megabytes(daemon * 1_024)) | 12 MB |")
                table.append("| written to data in 1,000 taps | \(Self.megabytes(perTap * 1_000)) | 2 MB |")
                #expect(used <= 200 * 1_024 && daemon <= 12 * 1_024 && perTap * 1_000 <= 2_000_000)

                let quiet = try await written(shell)
                try await Task.sleep(for: Self.idle)
                let perDay = (try await written(shell) - quiet) * 86_400 / Int(Self.idle.components.seconds)
                table.append("| written to data in a day without a card or list | \(Self.megabytes(perDay)) | 5 MB |")
                #expect(perDay <= 5_000_000)

                let start = try await written(shell)
                let imported = try await shell.run(
                    "mkdir -p /run/look; mount -t vfat -o ro /run/kazashi-disk/setup /run/look; "
                        + "kazashictl crl import /run/look/large.crl; umount /run/look")
                let forList = try await written(shell) - start
                #expect(forList > 0, "\(imported)")
                table.append(
                    "| written for a list of \(Self.entries) entries (\(Self.megabytes(list.count))) | \(Self.megabytes(forList)) | |"
                )
            }
            await library.stop()

            try await disk.addKernelWords(Self.ours.map { "systemd.mask=\($0)" }.joined(separator: " "))
            let bare = try await timeToBare(disk)
            table.append(
                "| power to ready ÷ bare systemd | \(Self.seconds(ready)) ÷ \(Self.seconds(bare)) = \(String(format: "%.2f", ready / bare)) | 1.5 |"
            )
            if let built = getenv("KAZASHI_BUILT") {
                table.append("| making the image | \(String(cString: built)) s | |")
            }
            print(table.joined(separator: "\n"))
        }

        private static func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1_000_000) }
        private static func seconds(_ duration: Duration) -> String {
            String(format: "%.1f s", duration / .seconds(1))
        }

        /// Bytes that the data partition was given since the start, with what still waited.
        private func written(_ shell: GuestShell) async throws -> Int {
            let stat = "/sys/class/block/$(basename $(readlink -f /run/kazashi-disk/data))/stat"
            return try await shell.number("sync; awk '{print $7}' \(stat)") * 512
        }

        /// From power to the display's `Hold here`.
        private func timeToReady(_ disk: FlashedDisk) async throws -> Duration {
            let clock = ContinuousClock()
            let start = clock.now
            var ready = start
            try await ApplianceMachine.whileRunning(disk) { machine in
                ready = try #require(await machine.display.shows("Hold here"))
            }
            return ready - start
        }

        /// From power to systemd's shell, with nothing else to start.
        private func timeToBare(_ disk: FlashedDisk) async throws -> Duration {
            let clock = ContinuousClock()
            let start = clock.now
            let console = try PseudoTerminal()
            defer { console.close() }
            var ready = start
            try await ApplianceMachine.whileRunning(disk, .init(console: console)) { _ in
                let shell = try await GuestShell(console)
                _ = try await shell.run("systemctl is-system-running --wait")
                ready = clock.now
            }
            return ready - start
        }
    }
}
