import RealStackSuite
import Desk
import Foundation
import Glibc
import Pilot
import SecurityEvents
import TestRig
import Testing
import VirtualCard

extension RealStack {
    @Suite(.timeLimit(.minutes(3))) struct DoctorCommandTests {
        private func doctor(_ folder: PilotFolder, _ more: String...) async throws -> (
            code: Int32, output: String, error: String
        ) {
            try await ChildProcess.run(Programs.kazashi, ["doctor", "--config", folder.configuration] + more)
        }

        private struct Report: Decodable {
            struct Line: Decodable {
                let part, state, seen: String
                let advice: String?
                let 対処: String?
            }
            let healthy: Bool
            let findings: [Line]

            func states(_ part: String) -> [String] { findings.filter { $0.part == part }.map(\.state) }
        }

        private func report(_ folder: PilotFolder) async throws -> (code: Int32, report: Report) {
            let result = try await doctor(folder, "--json")
            return (result.code, try JSONDecoder().decode(Report.self, from: Data(result.output.utf8)))
        }

        @Test(
            "Beside a kiosk that runs all is well; each thing that breaks is named, with what to do in both languages")
        func parts() async throws {
            var pilot = try StackPilot()
            _ = try pilot.card(serial: 1, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                let (code, well) = try await report(stack.folder)
                #expect(code == 0 && well.healthy, "\(well)")
                #expect(well.states("library central") == ["fine"] && well.states("reader") == ["fine"])
                #expect(well.states("registry") == ["fine"] && well.states("lists") == ["fine"])
                #expect(well.states("trust") == ["warning"], "test cards are believed")
                // The kiosk goes, then one part after another.
                await stack.kiosk.stop()
                let alone = try await report(stack.folder)
                #expect(alone.code == 0 && alone.report.states("service") == ["warning"])
                #expect(alone.report.states("rights") == [geteuid() == 0 ? "warning" : "fine"])
                #expect(alone.report.states("card service") == ["fine"] && alone.report.states("reader") == ["fine"])
                await stack.desk.stop()
                try FileManager.default.removeItem(atPath: stack.folder.path + "/state/revocation")
                var options = PilotFolder.Options()
                options.display = "cd5220:/dev/kazashi-none"
                options.readerName = "No such reader"
                options.timeSource = "synchronised"
                try stack.folder.writeConfiguration(options)
                let ill = try await report(stack.folder)
                #expect(ill.code == 1 && !ill.report.healthy)
                for part in ["library central", "lists", "display", "reader"] {
                    #expect(ill.report.states(part) == ["wrong"], "\(part): \(ill.report.findings)")
                }
                for line in ill.report.findings where line.state != "fine" {
                    #expect(line.advice?.isEmpty == false && line.対処?.contains { !$0.isASCII } == true)
                }
                let text = try await doctor(stack.folder)
                #expect(text.output.contains("WRONG     reader: no reader name contains No such reader"))
                #expect(text.output.contains("WRONG     lists: no CRL imported yet"))
                for identity in pilot.identities { #expect(!text.output.contains(identity)) }
            }
        }

        @Test("Several slots: the one in use and the others are named, and so is a card that lies on another one")
        func otherSlot() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 1, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                func status() async throws -> String {
                    try await ChildProcess.run(
                        Programs.kazashi, ["status", "--config", stack.folder.configuration, "--json"]
                    ).output
                }
                #expect(try await status().contains(#""name":"Virtual PCD 00 00""#))
                #expect(try await status().contains(#""others":[{"card":false,"name":"Virtual PCD 00 01"}]"#))
                let other = VPCDReader(port: 35_964)
                try other.insert(CardInField(card.profile))
                while try await !status().contains(#""card":true"#) {}
                let beside = try await doctor(stack.folder)
                #expect(beside.output.contains("a card lies on a reader, or a slot, that is not used"))
                let words = try await ChildProcess.run(
                    Programs.kazashi, ["status", "--config", stack.folder.configuration])
                #expect(words.output.contains("Virtual PCD 00 01, a card lies on it"))
                // The one in use goes on as ever, and without the kiosk the doctor sees the same.
                try await stack.expect("ok", from: card)
                await stack.kiosk.stop()
                let alone = try await report(stack.folder).report
                #expect(alone.states("reader") == ["fine"] && alone.states("other readers") == ["warning"])
                other.remove()
            }
        }

        @Test("pcscd is not there: said so")
        func noService() async throws {
            let pilot = try StackPilot()
            defer { pilot.remove() }
            try pilot.folder.writeConfiguration(.init())
            let (code, report) = try await report(pilot.folder)
            #expect(code == 1 && report.states("card service") == ["wrong"])
            #expect(report.states("registry") == ["warning"])
        }

        @Test("A client certificate that ends within 90 days is told of before it has")
        func endingCertificate() async throws {
            let pilot = try StackPilot()
            defer { pilot.remove() }
            try pilot.folder.writeConfiguration(.init())
            let folder = pilot.folder.path
            let text = String(decoding: try Data(contentsOf: URL(filePath: pilot.folder.configuration)), as: UTF8.self)
            for (days, states) in [(10, ["warning", "wrong"]), (400, ["wrong"])] {
                let made = try await ChildProcess.run(
                    "/usr/bin/openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                        "/CN=kiosk", "-days", "\(days)", "-keyout", folder + "/client.key", "-out",
                        folder + "/client.pem",
                    ])
                #expect(made.code == 0, "\(made.error)")
                let changed = text.replacing(
                    "url = \"http://127.0.0.1:9/events\"",
                    with: """
                        url = "https://127.0.0.1:9/events"
                        client_certificate = "client.pem"
                        client_key = "client.key"
                        """)
                #expect(changed != text)
                try Data(changed.utf8).write(to: URL(filePath: pilot.folder.configuration))
                let report = try await report(pilot.folder).report
                #expect(report.states("library central") == states, "\(days) days: \(report.findings)")
            }
        }

        @Test("A key that others may read is wrong, with what to do, and every other part is looked at all the same")
        func exposedKeys() async throws {
            let pilot = try StackPilot()
            defer { pilot.remove() }
            try pilot.folder.writeConfiguration(.init())
            let (_, well) = try await report(pilot.folder)
            #expect(well.states("keys") == ["fine"])
            for key in ["storage.key", "kiosk-es256.pem"] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o640], ofItemAtPath: pilot.folder.path + "/" + key)
            }
            let (code, ill) = try await report(pilot.folder)
            #expect(code == 1 && ill.states("keys") == ["wrong", "wrong"], "\(ill)")
            let lines = ill.findings.filter { $0.part == "keys" }
            #expect(zip(lines, ["storage.key", "kiosk-es256.pem"]).allSatisfy { $0.seen.contains($1) }, "\(lines)")
            #expect(lines.allSatisfy { $0.advice?.contains("chmod 0600") == true && $0.対処?.contains("chmod") == true })
            #expect(ill.findings.count == well.findings.count + 1)
        }

        @Test("A configuration that can't be used is wrong use, and a finding of its own for a program")
        func unusable() async throws {
            let result = try await ChildProcess.run(Programs.kazashi, ["doctor", "--config", "/nowhere.toml"])
            #expect(result.code == 2 && result.output.isEmpty && result.error.contains("/nowhere.toml"))
            let machine = try await ChildProcess.run(
                Programs.kazashi, ["doctor", "--config", "/nowhere.toml", "--json"])
            let report = try JSONDecoder().decode(Report.self, from: Data(machine.output.utf8))
            #expect(machine.code == 2 && !report.healthy && report.states("configuration") == ["wrong"])
        }

        @Test("--tap walks a card through every step and tells no library; what fails is named, and no one")
        func walk() async throws {
            var pilot = try StackPilot()
            let good = try pilot.card(serial: 1, ppid: "PPID-0001", withCardKey: false)
            let stranger = try pilot.card(serial: 2)
            try await withStack(pilot) { stack in
                let refused = try await doctor(stack.folder, "--tap")
                #expect(refused.code == 2 && refused.error.contains("systemctl stop kazashi"))
                await stack.kiosk.stop()
                let before = try await ChildProcess.run(
                    Programs.kazashi, ["registration", "list", "--config", stack.folder.configuration, "--json"])
                for (card, code, says) in [
                    (good, Int32(0), "everything holds"), (stranger, 1, "refused: unregistered"),
                ] {
                    let walking = try ChildProcess(
                        Programs.kazashi, ["doctor", "--config", stack.folder.configuration, "--tap"])
                    for await line in walking.lines where line.hasPrefix("ready") { break }
                    try stack.reader.insert(try CardInField(card.profile))
                    #expect(await walking.exitCode() == code)
                    stack.reader.remove()
                    await stack.settle()
                    let said = walking.standardOutput
                    #expect(said.contains(says), "\(said)")
                    for identity in pilot.identities { #expect(!said.contains(identity)) }
                }
                // Nothing was pinned, nobody was told.
                let after = try await ChildProcess.run(
                    Programs.kazashi, ["registration", "list", "--config", stack.folder.configuration, "--json"])
                #expect(before.output == after.output && after.output.contains(#""pinned":false"#), "\(after.output)")
                await stack.desk.stop()
                for await receipt in stack.desk.receipts {
                    if case .person(.presented, _) = try receipt.result.get().event { Issue.record("it was announced") }
                }
            }
        }
    }
}
