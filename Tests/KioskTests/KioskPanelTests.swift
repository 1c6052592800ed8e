import Kiosk
import OwnThreads
import Panel
import Pilot
import Service
import Settings
import TestRig
import Testing
import VirtualCard

/// A panel whose every part is broken keeps nobody from a welcome, and the status says which and why.
@Suite(.ownThreads, .timeLimit(.minutes(2))) struct BrokenPanelTests {
    private func conditions(_ options: PanelOptions, until isSettled: ([String: String]) -> Bool) async throws
        -> [String: String]
    {
        var parts: [String: String] = [:]
        try await InProcessPilot.withPilot { cards in
            try await InProcessPilot(folder: cards.folder, records: cards.records, panel: FrontPanel(options))
        } _: { cards, pilot in
            // A device's fault comes when it is written to: some taps later at the most.
            for _ in 0..<2_000 where !isSettled(parts) {
                let code = try await pilot.tap(CardInField(cards.good.profile)).code
                #expect(code == "ok")
                parts = Dictionary(await pilot.runtime.status().panel.map { ($0.part, $0.condition) }) { $1 }
            }
        }
        return parts
    }

    @Test("Missing, refused and of the wrong kind")
    func broken() async throws {
        var options = PanelOptions()
        options.display = .device(.cd5220, path: "/dev/kazashi-no-such-line")
        options.lights = ["kazashi:none", "kazashi:none", "kazashi:none"]
        // An input device may be a keyboard; this is none at all.
        options.beeper = "/dev/null"
        let parts = try await conditions(options) { !$0.isEmpty && !$0.values.contains("well") }
        #expect(parts == ["display": "missing", "lights": "missing", "sound": "wrong_kind"])
    }

    @Test("A line that is held")
    func held() async throws {
        // Nobody reads the other end.
        let terminal = try PseudoTerminal()
        defer { terminal.close() }
        var options = PanelOptions()
        options.display = .device(.cd5220, path: terminal.path)
        let parts = try await conditions(options) { $0["display"] == "blocked" }
        #expect(parts == ["display": "blocked"])
    }
}

@Suite(.ownThreads, .timeLimit(.minutes(1))) struct PanelDriverTests {
    @Test("An outcome stands to be read, though its card is gone at once; the next card takes its place at once")
    func reading() async throws {
        let line = try SerialDisplay()
        var options = PanelOptions()
        options.display = .device(.cd5220, path: line.path)
        try await InProcessPilot.withPilot { cards in
            try await InProcessPilot(folder: cards.folder, records: cards.records, panel: FrontPanel(options))
        } _: { cards, pilot in
            let ready = "ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ"
            #expect(await line.shows(ready) != nil)
            _ = try await pilot.tap(CardInField(cards.good.profile))
            let shown = try #require(await line.shows("Card accepted"))
            let over = try #require(await line.shows(ready))
            // It may stand longer on a slow machine, never shorter.
            #expect(shown.duration(to: over) > .milliseconds(1_500))
            _ = try await pilot.tap(CardInField(cards.good.profile))
            #expect(await line.shows("Card accepted") != nil)
            _ = try await pilot.tap(CardInField(cards.unregistered.profile))
            // Nothing between the welcome and what the next one is told but that it is noticed.
            for await change in line.changes
            where change.rows.contains("Please see staff") || change.rows.contains(ready) {
                #expect(change.rows.contains("Please see staff"))
                break
            }
        }
        line.stop()
    }
}
