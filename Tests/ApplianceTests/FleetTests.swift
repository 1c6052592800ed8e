import Foundation
import Glibc
import Pilot
import TestRig
import Testing

extension ImageRuns {
    /// What leaves a board of the image for whoever watches many of them: judged by the servers that are made for it.
    struct FleetTests {
        private static let collector = "/usr/bin/prometheus-pushgateway"
        private static let receiver = "/lib/systemd/systemd-journal-remote"

        @Test("Journal and metrics are sent where the settings say")
        func watched() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let (logs, metrics) = (try LoopbackSocket.bound(SOCK_STREAM), try LoopbackSocket.bound(SOCK_STREAM))
            close(logs.descriptor)
            close(metrics.descriptor)
            let journal = disk.folder + "/journal"
            try FileManager.default.createDirectory(atPath: journal, withIntermediateDirectories: true)
            let receiver = try ChildProcess(
                Self.receiver,
                ["--listen-http=127.0.0.1:\(logs.port)", "--output=\(journal)", "--split-mode=host", "--seal=no"])
            let collector = try ChildProcess(Self.collector, ["--web.listen-address=127.0.0.1:\(metrics.port)"])
            let cards = try PilotCards.make(in: disk.folder + "/pilot")
            let files = TechnicianFiles(
                cards: cards, port: 9,
                board: """
                    host_name = "kiosk-07"
                    address = "10.0.2.77/24"
                    gateway = "10.0.2.2"
                    name_servers = ["10.0.2.3"]
                    journal_url = "http://10.0.2.2:\(logs.port)"
                    metrics_url = "http://10.0.2.2:\(metrics.port)/metrics/job/kazashi/instance/kiosk-07"
                    """, service: "metrics = \"/run/kazashi/kazashi.prom\"")
            try await files.put(on: disk)
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                try await ImageRuns.wait {
                    try await ChildProcess.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(metrics.port)/metrics"])
                        .output.contains("kazashi_ready{instance=\"kiosk-07\",job=\"kazashi\"} 1")
                }
                try await ImageRuns.wait {
                    try await ChildProcess.run(
                        "/usr/bin/journalctl",
                        ["-D", journal, "_SYSTEMD_UNIT=kazashi.service", "-o", "short", "-n", "5"]
                    ).output.contains("kiosk-07")
                }
                let report = try await disk.report(with: "== kazashi doctor")
                for line in ["kiosk-07\r\n", "10.0.2.77", "default via 10.0.2.2", "DNS: 10.0.2.3"] {
                    #expect(report.contains(line), "\(report)")
                }
            }
            await collector.stop()
            await receiver.stop()
        }

        @Test("With a clock that is years behind and no time server no card is taken; once one answers, they are")
        func clock() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            var options = PilotFolder.Options()
            options.timeSource = "synchronised"
            let cards = try PilotCards.make(in: disk.folder + "/pilot", options: options)
            try await TechnicianFiles(cards: cards, port: 9, board: "time_servers = [\"10.0.2.2\"]").put(on: disk)
            try await ApplianceMachine.whileRunning(disk, .init(clock: "2020-01-01T00:00:00")) { machine in
                #expect(await machine.display.shows("Unavailable C1") != nil)
                let report = try await disk.report(with: "== kazashi doctor")
                #expect(report.contains("name a time server that the board reaches in time_servers"), "\(report)")
                let server = try ChildProcess(
                    "/usr/sbin/chronyd",
                    ["-n", "-x", "-u", "root", "local stratum 5", "allow all", "bindaddress 127.0.0.1", "cmdport 0"])
                #expect(await machine.display.shows("Hold here") != nil)
                await server.stop()
            }
        }
    }
}
