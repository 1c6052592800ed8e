import Advice
import ArgumentParser
import Kiosk
import Logging
import Registry
import Service
import Settings

extension Kazashi {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Run the appliance until SIGTERM; SIGHUP reads CRLs and keys again; as a service, the configuration too."
        )

        @OptionGroup var options: ConfigurationOption

        @Flag(help: "Print states and taps as JSON lines on standard output; never an identity.")
        var tapsToStdout = false

        func run() async throws {
            let writer = JournalWriter()
            defer { writer.flush() }
            LoggingSystem.bootstrap { JournalLog(label: $0, writer: writer, hasPriorities: JournalLog.isJournal) }
            let log = Logger(label: "kazashi")
            do {
                try await Appliance(
                    file: options.config, output: tapsToStdout ? .standardOutput : .none, log: log
                ).run()
            } catch let error as ConfigurationError {
                say("\(error)")
                throw ExitCode.wrongUse
            } catch let error as RegistryError {
                say(RegistryWords.of(error))
                throw ExitCode.wrongUse
            }
        }
    }
}

/// What an operator is told about the registrations' database.
enum RegistryWords {
    static func of(_ error: RegistryError) -> String {
        "registry: \(error): \(error.code.advice.lines)"
    }
}
