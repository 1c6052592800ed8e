import RealStackSuite
import Foundation
import Pilot
import TestRig
import Testing

extension RealStack {
    @Suite(.timeLimit(.minutes(2))) struct LibraryNamesTests {
        @Test(
            "A renamed library's registrations and pending events are told of, and go over to its new name by command")
        func renamed() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))")
                .path()
            defer { try? FileManager.default.removeItem(atPath: path) }
            let cards = try PilotCards.make(in: path)
            var options = PilotFolder.Options()
            options.port = 9
            try cards.folder.writeConfiguration(options)
            let file = cards.folder.configuration
            func run(_ words: String...) async throws -> (code: Int32, output: String, error: String) {
                try await ChildProcess.run(Programs.kazashi, words + ["--config", file])
            }
            let records = path + "/records.json"
            try JSONSerialization.data(withJSONObject: cards.records).write(to: URL(filePath: records))
            #expect(try await run("registration", "import", records).code == 0)
            let count = cards.records.count
            func list() async throws -> String { try await run("library", "list", "--json").output }
            let pattern = #""configured":CONFIGURED,"name":"NAME","pending":\#(count),"registrations":\#(count)"#
            func line(_ name: String, configured: Bool) -> String {
                pattern.replacing("NAME", with: name).replacing("CONFIGURED", with: "\(configured)")
            }
            #expect(try await list().contains(line("central", configured: true)))
            // Neither while the name is there.
            #expect(try await run("library", "rename", "central", "main").code == 2)
            #expect(try await run("library", "drop", "central").code == 2)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing(#"name = "central""#, with: #"name = "main""#)
                .write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await list().contains(line("central", configured: false)))
            let doctor = try await run("doctor")
            #expect(doctor.output.contains("\(count) registrations name central, which is not configured"))
            let moved = try await run("library", "rename", "central", "main")
            #expect(moved.code == 0 && moved.error.contains("\(count) registrations and \(count) pending events"))
            #expect(try await list().contains(line("main", configured: true)))
            #expect(try await !list().contains("central"))
            // Gone for good.
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let dropped = try await run("library", "drop", "main")
            #expect(dropped.code == 0 && dropped.error.contains("\(count) pending events dropped"))
            #expect(try await list().contains(#""name":"main","pending":0,"registrations":\#(count)"#))
            for identity in PilotCards.ppids.values { #expect(!(moved.error + doctor.output).contains(identity)) }
        }
    }
}
