import ArgumentParser
import Doctor

extension Kazashi {
    struct CardService: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask whether the card service (pcscd) answers, whatever readers there are.",
            discussion: """
                カードサービス（pcscd）が応答するかを確認します。
                Exit codes: 0 it answers, 1 it does not within five seconds.
                """)

        func run() async throws {
            guard await Examination.cardServiceAnswers() else { throw ExitCode.no }
        }
    }
}
