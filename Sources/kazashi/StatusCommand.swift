import ArgumentParser
import Glibc
import Service
import Settings

extension Kazashi {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a running kiosk how it is.",
            discussion: """
                動作中の端末の状態を表示します。
                Exit codes: 0 ready; 1 out of service; 2 wrong configuration; 3 no kiosk answers.
                """)

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let path: String
            do {
                path = try Configuration.statusSocket(file: options.config)
            } catch {
                say("\(error)")
                throw ExitCode.wrongUse
            }
            let report: StatusReport
            do throws(StatusError) {
                report = try StatusSocket.ask(path)
            } catch {
                say("\(path): \(Self.words(error))")
                throw ExitCode.couldNotTell
            }
            print(json ? String(decoding: report.json.dropLast(), as: UTF8.self) : StatusWords.of(report))
            if report.state != "ready" { throw ExitCode.no }
        }

        private static func words(_ error: StatusError) -> String {
            switch error {
            case .notRunning:
                "kazashi is not running: see systemctl status kazashi. kazashi が動作していません（systemctl status kazashi）。"
            case .refused: "permission denied: add your user to group kazashi. 権限がありません。ユーザーを kazashi グループに追加してください。"
            case .silent:
                "the kiosk does not answer: see systemctl status kazashi. 端末が応答しません（systemctl status kazashi）。"
            case .malformed: "version mismatch: update kiosk and command. 版が一致しません。端末とコマンドを更新してください。"
            }
        }
    }
}

/// A report for people.
enum StatusWords {
    static func of(_ report: StatusReport) -> String {
        var lines: [String] = []
        let state =
            report.cause.map { "out of service 利用できません: \($0) (\(report.code ?? "-"))" } ?? "ready 利用できます"
        lines.append("\(report.kiosk): \(state), \(length(report.since))\(report.test ? "  TEST" : "")")
        lines.append("version 版       \(report.version), up \(length(report.uptime))")
        if let system = report.system {
            lines.append(
                "system システム   slot \(system.slot), \(system.version)"
                    + (system.takesTestUpdates ? ", TEST updates テスト用の更新" : "")
                    + (system.isOnTrial ? ", on trial 確認中" : ""))
            if let other = system.insteadOf {
                lines.append(
                    "                  instead of slot \(other.slot), \(other.version), which "
                        + (other.wasGood ? "was good before and did not start 以前は正常に起動" : "did not start well 正常に起動せず"))
            }
        }
        let reader =
            switch report.reader {
            case nil: "not looked for yet"
            case let reader? where !reader.service: "pcscd does not answer 応答なし"
            case let reader? where !reader.reader: "none なし"
            case let reader?: (reader.held ? "does not respond 応答なし" : "ready 利用できます") + ": \(reader.name ?? "-")"
            }
        lines.append("reader リーダー   \(reader)")
        for other in report.reader?.others ?? [] {
            lines.append(
                "                  not used 不使用: \(other.name)" + (other.card ? ", a card lies on it カードあり" : ""))
        }
        let age = report.lists.age.map { "newest \(length($0)) old" } ?? "age unknown"
        let end = report.lists.firstEnds.map {
            $0 >= 0 ? ", the first expires in \(length($0))" : ", the first has expired"
        }
        lines.append("lists 失効リスト  \(report.lists.served), \(report.lists.entries) entries, \(age)\(end ?? "")")
        for library in report.libraries {
            let last = library.acknowledged.map { "acknowledged \(length($0)) ago" } ?? "no acknowledgement yet"
            lines.append("library 図書館    \(library.name): \(last), pending 未送達 \(library.owed)")
        }
        for library in report.unconfigured {
            lines.append(
                "library 図書館    \(library.name): not configured 設定なし, pending 未送達 \(library.owed): see sudo kazashictl library"
            )
        }
        for part in report.panel { lines.append("panel 表示        \(part.part): \(part.condition)") }
        let taps = report.taps.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        lines.append("taps 利用         \(taps.isEmpty ? "none yet" : taps)")
        return lines.joined(separator: "\n")
    }

    private static func length(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}
