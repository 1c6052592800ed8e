import Login
@testable import Service
import Testing

@Suite struct MetricsPageTests {
    private func status(
        libraries: [String] = [], former: [String] = [], reader: StatusReport.Reader? = nil, age: Int64? = nil,
        panel: [StatusReport.Part] = [], state: String = "ready"
    ) -> StatusReport {
        func library(_ name: String) -> StatusReport.Library { .init(name: name, acknowledged: nil, owed: 2) }
        return StatusReport(
            kiosk: "kiosk", state: state, cause: nil, code: nil, since: 0, uptime: 0, reader: reader,
            lists: .init(served: 0, entries: 0, age: age, firstEnds: nil, lastEnds: nil),
            libraries: libraries.map(library), unconfigured: former.map(library), panel: panel, taps: [:], test: false,
            configuration: nil)
    }

    private func samples(_ status: StatusReport, _ counts: KioskLedger.Counts = KioskLedger().counts) -> [Substring] {
        MetricsPage.text(status, counts).split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    private func reader(_ isThere: Bool, held: Bool = false) -> StatusReport.Reader {
        .init(service: true, reader: isThere, held: held, name: nil, others: [])
    }

    @Test("Durations by the bounds that they are within, each counted once, and their sum")
    func histogram() {
        var histogram = Histogram()
        #expect(histogram.count == 0)
        for milliseconds in [50, 51, 1_000, 5_000, 5_001] { histogram.add(.milliseconds(milliseconds)) }
        #expect(histogram.count == 5 && abs(histogram.sum - 11.102) < 1e-9)
        #expect(histogram.cumulative.map(\.bound) == [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5])
        #expect(histogram.cumulative.map(\.count) == [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4])
    }

    @Test("Taps by outcome and code, parts of a tap, acknowledgements: as they were counted")
    func counted() {
        let ledger = KioskLedger()
        ledger.tap(.welcomed, total: .milliseconds(400))
        ledger.tap(.welcomed, total: .milliseconds(600))
        ledger.tap(.refused(.unregistered), total: .milliseconds(100))
        ledger.took(.milliseconds(300), .card)
        ledger.acknowledged("central", after: .milliseconds(20))
        let samples = samples(status(libraries: ["central"]), ledger.counts)
        for line in [
            #"kazashi_taps_total{code="ok",outcome="welcomed"} 2"#,
            #"kazashi_taps_total{code="unregistered",outcome="refused"} 1"#,
            #"kazashi_tap_stage_seconds_bucket{le="0.35",stage="total"} 1"#,
            #"kazashi_tap_stage_seconds_bucket{le="0.5",stage="total"} 2"#,
            #"kazashi_tap_stage_seconds_bucket{le="+Inf",stage="total"} 3"#,
            #"kazashi_tap_stage_seconds_sum{stage="total"} 1.1"#,
            #"kazashi_tap_stage_seconds_sum{stage="card"} 0.3"#,
            #"kazashi_tap_stage_seconds_count{stage="announcement"} 0"#,
            #"kazashi_library_acknowledgement_seconds_count{library="central"} 1"#,
            #"kazashi_outbox_depth{library="central"} 2"#,
        ] { #expect(samples.contains(Substring(line)), "\(line)") }
        #expect(ledger.counts.lastAcknowledged["central"] != nil)
    }

    @Test("What there is none of has no line")
    func missing() {
        let none = samples(status())
        for name in ["outbox", "library", "list_age", "panel"] { #expect(!none.contains { $0.contains(name) }) }
        let some = samples(
            status(
                libraries: ["central"], former: ["former"], age: 7,
                panel: [.init(part: "display", condition: "well"), .init(part: "sound", condition: "stuck")]))
        for line in [
            #"kazashi_outbox_depth{library="former"} 2"#, "kazashi_revocation_list_age_seconds 7",
            #"kazashi_panel_part_up{part="display"} 1"#, #"kazashi_panel_part_up{part="sound"} 0"#,
        ] { #expect(some.contains(Substring(line)), "\(line)") }
        #expect(!some.contains { $0.contains("acknowledgement") && $0.contains("former") })
    }

    @Test("Ready, and the reader's state, as 1 and 0")
    func states() {
        for (reader, value) in [(nil, 0), (reader(false), 0), (reader(true), 1), (reader(true, held: true), 0)] {
            #expect(samples(status(reader: reader)).contains("kazashi_reader_up \(value)"))
        }
        #expect(samples(status()).contains("kazashi_ready 1"))
        #expect(samples(status(state: "out_of_service")).contains("kazashi_ready 0"))
    }

    @Test("A name of the configuration can't leave its label")
    func escaped() {
        let odd = "a\"b\\c\nd"
        #expect(samples(status(libraries: [odd])).contains(#"kazashi_outbox_depth{library="a\"b\\c\nd"} 2"#))
    }
}
