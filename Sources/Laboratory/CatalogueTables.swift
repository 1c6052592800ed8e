package import Advice
internal import Clock
internal import Kiosk
internal import Registry
internal import Service
internal import ListKeeper
internal import Files
internal import Login
internal import Panel
internal import TestRig

/// The README's tables of what a patron meets and what staff are told, drawn from the catalogue.
package enum CatalogueTables {
    /// Every message with its words, light and sound.
    package static var messages: String {
        var lines = ["| when | 2×20 | light | sound |", "|---|---|---|---|"]
        for message in Message.all {
            let screens = DisplayLayout().screens(of: message).map {
                "`\($0.upper.withoutTrailingSpaces)` `\($0.lower.withoutTrailingSpaces)`"
            }
            lines.append(
                "| \(message.name) | \(screens.joined(separator: " / ")) | \(words(message.light)) | "
                    + "\(message.sound.map(words) ?? "–") |")
        }
        return lines.joined(separator: "\n")
    }

    /// Why a kiosk takes no taps: the display's short code, the log's cause.
    package static var causes: String {
        let rows = Cause.allCases.map { cause in
            "| \(cause.code.rawValue) | `\(cause.rawValue)` | \(cause.advice.english) | \(cause.advice.japanese) |"
        }
        return (["| display | cause | cure | 対処 |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// What can be wrong with a part of the panel.
    package static var faults: String {
        let conditions = DeviceFault.allCases.map { DeviceCondition.faulty($0) } + [.stuck]
        let rows = conditions.compactMap { condition in
            condition.advice.map { "| `\(condition.code)` | \($0.english) | \($0.japanese) |" }
        }
        return (["| code | cure | 対処 |", "|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// What else the journal tells.
    package static var journal: String {
        let rows = codes.map { "| `\($0.code)` | \($0.meaning) | \($0.advice.english) | \($0.advice.japanese) |" }
        return (["| code | meaning | cure | 対処 |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// Every code of the journal but those of taps, states and the panel.
    package static var codes: [(code: String, meaning: String, advice: Words)] {
        JournalCode.allCases.map { ($0.rawValue, $0.meaning, $0.advice) }
            + ListWords.all.map { ($0.code, $0.meaning, $0.advice) }
            + RegistryError.Code.allCases.map { ($0.rawValue, $0.meaning, RegistryError($0).advice) }
    }

    /// Every table, as it stands in the README.
    package static var all: [String] { [messages, causes, taps, faults, journal] }

    /// Every code of a tap.
    package static var taps: String {
        rows(Outcome.all.map { ($0.code, Face.outcome($0).message.name, $0.advice.english, $0.advice.japanese) })
    }

    private static func rows(_ rows: [(String, String, String, String)]) -> String {
        (["| code | on the display | meaning and cure | 意味と対処 |", "|---|---|---|---|"]
            + rows.map { "| `\($0.0)` | \($0.1) | \($0.2) | \($0.3) |" }).joined(separator: "\n")
    }

    private static func words(_ score: Score<Lamps>) -> String {
        score.beats.map { beat in
            let names = zip(Lamps.each, ["left", "middle", "right"]).filter { beat.step.contains($0.0) }.map(\.1)
            let lit = names.isEmpty ? "dark" : names.joined(separator: " and ")
            return beat.lasts == .zero ? lit : "\(lit) \(beat.lasts.milliseconds.whole) ms"
        }.joined(separator: ", ") + (score.repeats ? ", again and again" : "")
    }

    private static func words(_ score: Score<Tone>) -> String {
        score.beats.filter { $0.lasts > .zero }.map { beat in
            "\(beat.step == .sounding ? "" : "·")\(beat.lasts.milliseconds.whole)\(beat.step == .sounding ? "" : "·")"
        }.joined(separator: " ") + " ms" + (score.repeats ? ", again and again" : "")
    }
}

extension Double {
    fileprivate var whole: Int { Int(self) }
}
