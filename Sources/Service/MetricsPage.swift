internal import Login

/// The kiosk's metrics in Prometheus' text (exposition format 0.0.4). Labels are codes
/// and names of the configuration, never anything of a patron.
package enum MetricsPage {
    package static func text(_ status: StatusReport, _ counts: KioskLedger.Counts) -> String {
        var page = Page()
        page.family("kazashi_build_info", "gauge", "The version that runs.")
        page.sample("kazashi_build_info", ["version": status.version], 1)
        page.family("kazashi_ready", "gauge", "1 when taps are taken.")
        page.sample("kazashi_ready", [:], status.state == "ready" ? 1 : 0)
        page.family("kazashi_reader_up", "gauge", "1 when there is a reader and nothing holds it.")
        page.sample("kazashi_reader_up", [:], status.reader.map { $0.reader && !$0.held } == true ? 1 : 0)
        page.family("kazashi_taps_total", "counter", "Presences by outcome and code.")
        for outcome in counts.taps.keys.sorted(by: { $0.code < $1.code }) {
            page.sample(
                "kazashi_taps_total",
                ["code": outcome.code, "outcome": outcome == .welcomed ? "welcomed" : "refused"],
                Double(counts.taps[outcome] ?? 0))
        }
        page.family("kazashi_tap_stage_seconds", "histogram", "Parts of a tap.")
        for stage in KioskLedger.Stage.allCases {
            page.histogram(
                "kazashi_tap_stage_seconds", ["stage": stage.rawValue], counts.stages[stage] ?? Histogram())
        }
        if let age = status.lists.age {
            page.family("kazashi_revocation_list_age_seconds", "gauge", "Since the newest list was issued.")
            page.sample("kazashi_revocation_list_age_seconds", [:], Double(age))
        }
        if !status.libraries.isEmpty {
            page.family("kazashi_outbox_depth", "gauge", "Events that a library is owed.")
            for library in status.libraries + status.unconfigured {
                page.sample("kazashi_outbox_depth", ["library": library.name], Double(library.owed))
            }
            page.family("kazashi_library_acknowledgement_seconds", "histogram", "From sending to acknowledged.")
            for library in status.libraries {
                page.histogram(
                    "kazashi_library_acknowledgement_seconds", ["library": library.name],
                    counts.acknowledgements[library.name] ?? Histogram())
            }
        }
        if !status.panel.isEmpty {
            page.family("kazashi_panel_part_up", "gauge", "1 when a part of the panel works.")
            for part in status.panel {
                page.sample("kazashi_panel_part_up", ["part": part.part], part.condition == "well" ? 1 : 0)
            }
        }
        return page.text
    }
}

/// Lines of the exposition format.
private struct Page {
    private(set) var text = ""

    mutating func family(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    mutating func sample(_ name: String, _ labels: [String: String], _ value: Double) {
        let number = value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
        text += "\(name)\(Self.written(labels)) \(number)\n"
    }

    mutating func histogram(_ name: String, _ labels: [String: String], _ histogram: Histogram) {
        for (bound, count) in histogram.cumulative {
            sample(name + "_bucket", labels.merging(["le": String(bound)]) { $1 }, Double(count))
        }
        sample(name + "_bucket", labels.merging(["le": "+Inf"]) { $1 }, Double(histogram.count))
        sample(name + "_sum", labels, histogram.sum)
        sample(name + "_count", labels, Double(histogram.count))
    }

    private static func written(_ labels: [String: String]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.sorted { $0.key < $1.key }.map { name, value in
            let escaped = value.map { character in
                switch character {
                case "\\": #"\\"#
                case "\"": #"\""#
                case "\n": #"\n"#
                default: String(character)
                }
            }.joined()
            return "\(name)=\"\(escaped)\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }
}
