import Announcement
import Desk
import Foundation
import Glibc
import Kiosk
import Logging
import OwnThreads
import Pilot
import Registrations
import SecurityEvents
import Service
import TestRig
import Testing
import VirtualCard

@Suite(.ownThreads, .timeLimit(.minutes(2))) struct StatusTests {
    private func withPilot(_ body: (PilotCards, InProcessPilot) async throws -> Void) async throws {
        try await InProcessPilot.withPilot(
            make: { cards in
                try await InProcessPilot(
                    folder: cards.folder, records: cards.records, reminderAfter: .milliseconds(50),
                    leftCardAfter: .milliseconds(150))
            }, body)
    }

    @Test("A report over the socket: state, lists, libraries, taps by code, and nobody's identity")
    func status() async throws {
        try await withPilot { cards, pilot in
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            #expect(try await pilot.tap(CardInField(cards.revoked.profile)).code == "revoked")
            #expect(await pilot.runtime.pulse())
            let path = cards.folder.path + "/status.sock"
            let runtime = pilot.runtime
            let socket = try StatusSocket(path) { await runtime.status().json }
            defer { socket.stop() }
            var information = stat()
            #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o660)
            let report = try StatusSocket.ask(path, patience: 30)
            #expect(report.state == "ready" && report.cause == nil && report.test)
            #expect(report.reader?.reader == true && report.lists.served == 1 && (report.lists.age ?? -1) >= 0)
            #expect(report.taps == ["ok": 1, "revoked": 1])
            #expect(report.libraries.map(\.name) == ["central"] && report.libraries.first?.acknowledged != nil)
            #expect(report.panel.map(\.part) == ["display"])
            let text = String(decoding: report.json, as: UTF8.self)
            for identity in PilotCards.identities { #expect(!text.contains(identity)) }
        }
    }

    @Test("What is pending for a name that the configuration has no longer is shown, in the report and on the page")
    func unconfigured() async throws {
        try await withPilot { _, pilot in
            for _ in 0..<2 {
                try await pilot.database.outbox.add(OwedEvent(library: "former", event: .kiosk(.cardLeft), toe: nil))
            }
            let report = await pilot.runtime.status()
            #expect(report.unconfigured.map(\.name) == ["former"] && report.unconfigured.first?.owed == 2)
            #expect(MetricsPage.text(report, KioskLedger().counts).contains(#"{library="former"} 2"#))
        }
    }

    @Test("A card that is left: its owner is reminded, the libraries are told once, nobody is named")
    func leftCard() async throws {
        try await withPilot { cards, pilot in
            let receipts = pilot.desk.receipts
            pilot.reader.insert(try CardInField(cards.unregistered.profile))
            #expect(await pilot.nextTap().code == "unregistered")
            for await receipt in receipts {
                if case .success(let accepted) = receipt.result, accepted.event == .kiosk(.cardLeft) { break }
            }
            #expect(pilot.shown.contains { $0.contains("Take your card") })
            pilot.reader.remove()
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    private static let promtool = "/usr/bin/promtool"

    @Test(
        "promtool finds nothing to say, and no label names anybody",
        .enabled(if: access(promtool, X_OK) == 0, "needs Debian's prometheus"))
    func text() async throws {
        var text = ""
        try await InProcessPilot.withPilot { cards, pilot in
            _ = try await pilot.tap(CardInField(cards.good.profile))
            _ = try await pilot.tap(CardInField(cards.unregistered.profile))
            try await pilot.owedIsDelivered()
            text = await pilot.runtime.metrics()
        }
        for line in [
            #"kazashi_taps_total{code="ok",outcome="welcomed"} 1"#,
            #"kazashi_taps_total{code="unregistered",outcome="refused"} 1"#,
            #"kazashi_tap_stage_seconds_count{stage="total"} 2"#, "kazashi_reader_up 1",
            #"kazashi_outbox_depth{library="central"} 0"#,
            #"kazashi_build_info{version="\#(KazashiVersion.text)"} 1"#,
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        // The tap's, and maybe that of its end.
        #expect(text.contains(#"kazashi_library_acknowledgement_seconds_count{library="central"} "#))
        for identity in PilotCards.identities { #expect(!text.contains(identity)) }
        let result = try await ChildProcess.run(Self.promtool, ["check", "metrics"], input: Array(text.utf8))
        #expect(result.code == 0 && (result.output + result.error).isEmpty, "\(result)")
    }
}
