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
        @Option(
            help: "A folder with the secrets as the service gets them; those on the partition come to lie beside it.")
        var credentials: String
        @Option(help: "Where the outcome, and what it means for network and clock, is written.")
        var output: String
        @Option(help: "Secrets on the partition: asked (which are there?), taken or refused.")
        var secrets = "asked"
        @Flag(help: "The data partition could not be had: no settings are taken.")
        var inMemory = false
        @Option(help: "What came of a factory reset that was asked for: done or refused.")
        var reset: String?
        @Flag(help: "Nothing can be written on the partition: there will be no report.")
        var unwritable = false

        func run() throws {
            let reset = reset.map { Provisioning.Reset(rawValue: $0) ?? .refused }
            guard let secrets = Provisioning.Secrets(rawValue: secrets) else {
                throw ValidationError("--secrets is asked, taken or refused.")
            }
            let provisioning = Provisioning(
                setup: setup, kept: kept, shipped: shipped, credentials: credentials, secrets: secrets,
                lasts: !inMemory, takesReport: !unwritable, reset: reset)
            let result = provisioning.run()
            if let problem = result.outcome.problem { say(problem) }
            do {
                try BoardFiles(ReadableParts(file: provisioning.serving).board).write(in: output)
                try write(result.waitsFor, to: "waits-for")
                try write(result.secrets, to: "secrets")
                try write(result.outcome.problem.map { [$0] } ?? [], to: "problem.txt")
                try DurableFile.publish(output + "/" + SetupOutcome.unusableName, result.unusable ?? [])
                try result.outcome.publish(in: output)
            } catch {
                say("\(error)")
                throw ExitCode.couldNotTell
            }
            if result.outcome.code != nil { throw ExitCode.no }
        }

        private func write(_ lines: [String], to name: String) throws {
            try DurableFile.publish(output + "/" + name, Array(lines.map { $0 + "\n" }.joined().utf8))
        }
    }
}
