import ArgumentParser
import Files
import Provisioning
import Settings

extension Kazashi {
    struct Provision: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Take the technician's settings from the image's partition KAZASHI; the image does so at every start.",
            discussion: """
                イメージの KAZASHI 領域から設定を取り込みます（起動のたびに自動で実行されます）。

                Exit codes: 0 the settings there serve, 1 others serve (why: standard error), 2 usage error, 3 nothing could be written.
                """)

        @Option(help: "Where the partition is mounted; left out: it could not be mounted.")
        var setup: String?
        @Option(help: "The folder of the data partition where settings are kept.")
        var kept: String
        @Option(help: "The image's own settings.")
        var shipped: String
        @Option(help: "A folder with the secrets as the service gets them.")
        var credentials: String
        @Option(help: "Where the outcome, and what it means for network and clock, is written.")
        var output: String

        func run() throws {
            let result = Provisioning(setup: setup, kept: kept, shipped: shipped, credentials: credentials).run()
            if let problem = result.outcome.problem { say(problem) }
            do {
                try BoardFiles(result.configuration?.board).write(in: output)
                try DurableFile.publish(output + "/secrets", Array(result.secrets.map { $0 + "\n" }.joined().utf8))
                try DurableFile.publish(
                    output + "/problem.txt", Array(result.outcome.problem.map { $0 + "\n" }.map(\.utf8) ?? "".utf8))
                try result.outcome.publish(in: output)
            } catch {
                say("\(error)")
                throw ExitCode.couldNotTell
            }
            if result.outcome.code != nil { throw ExitCode.no }
        }
    }
}
