package import Advice
internal import Announcement
internal import Certificates
internal import Clock
internal import Files
internal import Kiosk
internal import ListKeeper
internal import Login
internal import Panel
internal import Registrations
internal import Registry
internal import Revocation
internal import SecurityEvents
internal import Settings
internal import TestRig

/// The documents' tables of what a patron meets and what staff are told, drawn from the rooms' own words.
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

    /// Why a kiosk takes no taps: the display's short code, the journal's cause.
    package static var causes: String {
        table(
            "| display | cause |", "|---|---|",
            Cause.allCases.map { ("| \($0.shortCode.rawValue) | `\($0.rawValue)` |", $0.advice) })
    }

    /// The same on the appliance's image.
    package static var causesOnTheImage: String {
        table("| display |", "|---|", Cause.allCases.map { ("| \($0.shortCode.rawValue) |", $0.adviceOnTheImage) })
    }

    /// Every code of a tap.
    package static var taps: String {
        table(
            "| code | on the display |", "|---|---|",
            Outcome.all.map { ("| `\($0.code)` | \(Face.outcome($0).message.name) |", $0.advice) })
    }

    /// What can be wrong with a part of the panel.
    package static var faults: String {
        let conditions = DeviceFault.allCases.map { DeviceCondition.faulty($0) } + [.stuck]
        return table(
            "| code |", "|---|",
            conditions.compactMap { condition in condition.advice.map { ("| `\(condition.code)` |", $0) } })
    }

    /// What else the journal tells, by the room that tells it.
    package static var journal: String { table(codes) }

    /// Every code of the journal but those of taps, states and the panel.
    package static var codes: [any Advised] {
        let all: [[any Advised]] = [
            KioskNote.allCases, OutboxTrouble.allCases, ListNote.allCases, SourceFault.allCases,
            RevocationError.Code.allCases, RegistryError.Code.allCases, PushError.allCases,
        ]
        return all.flatMap { $0 }
    }

    /// What is wrong with a signing key's file, or a record of an import.
    package static var keys: String { table(SigningKeyFile.Problem.allCases) }
    package static var records: String { table(RegistrationImport.Reason.allCases) }

    /// Why `kazashi check` does not trust a certificate.
    package static var certificates: String { table(CertificateError.Code.allCases) }

    /// What is wrong with what a technician put on the image's partition.
    package static var setup: String { table(SetupCode.allCases) }

    /// Why the image does not run a newer system.
    package static var updates: String { table(UpdateFault.allCases) }

    /// Every table, as it stands in the documents.
    package static var all: [String] {
        [messages, causes, taps, faults, journal, keys, records, certificates, setup, causesOnTheImage, updates]
    }

    private static func table(_ codes: [any Advised]) -> String {
        table("| code |", "|---|", codes.map { ("| `\($0.code)` |", $0.advice) })
    }

    private static func table(_ head: String, _ line: String, _ rows: [(String, Advice)]) -> String {
        ([head + " what happened | what to do | 状態 | 対処 |", line + "---|---|---|---|"]
            + rows.map { row, advice in
                "\(row) \(advice.happened.english) | \(advice.action.english) | \(advice.happened.japanese) "
                    + "| \(advice.action.japanese) |"
            }).joined(separator: "\n")
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
