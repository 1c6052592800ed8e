import Advice
import ArgumentParser
import Kiosk
import Panel
import Service
import Settings

extension Kazashi {
    struct Notice: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "notice",
            abstract: "Show on the panel how an update goes, while no kiosk runs; the image does so.",
            discussion: """
                更新の状況を表示器に表示します（イメージが自動で実行します）。
                Exit codes: 0 shown, 2 usage error.
                """)

        @OptionGroup var options: ConfigurationOption
        @Argument(help: "\(all.map(\.name).joined(separator: ", ")).")
        var name: String
        @Flag(help: "Print what it means instead, and what to do.") var explain = false
        @Option(help: "Seconds; left out: until it is ended.") var seconds: Int?

        private static let all: [Message] = [.updating, .updated] + UpdateFault.allCases.map { .update($0) }

        func run() async throws {
            guard let message = Self.all.first(where: { $0.name == name }) else {
                throw ValidationError("There is no notice \(name).")
            }
            if explain {
                if case .update(let fault) = message { print(fault.advice.lines) }
                return
            }
            guard let panel = ReadableParts(file: options.config).panel else { return }
            let shown = FrontPanel(panel.on(RunningSlot()), saysGoodbye: false)
            shown.show(message)
            let showing = Task { await shown.run() }
            // What it says stays until somebody else says something.
            if let seconds {
                try? await Task.sleep(for: .seconds(max(0, min(seconds, 3_600))))
                showing.cancel()
            }
            await showing.value
        }
    }
}
