internal import ArgumentParser
internal import Foundation
internal import Pilot
internal import VirtualCard

/// A whole pilot folder: keys, a test hierarchy, cards, a list, a configuration.
struct PKICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract: "Make a test PKI with cards, a revocation list and a configuration; or large lists.",
        subcommands: [Init.self, RevocationListCommand.self])

    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write a folder to pilot with: test keys, anchors, cards good, copied, revoked and unregistered, a phone."
        )

        @Option(help: "The port on which the library's desk will listen.")
        var port: UInt16 = 8_935
        @Argument(help: "The folder; made when it is not there.")
        var folder: String

        func run() async throws {
            var options = PilotFolder.Options()
            options.port = port
            _ = try PilotCards.make(in: folder, options: options)
            note(
                """
                \(folder): written. Next:
                  kazashi registration import --config \(folder)/kazashi.toml \(folder)/registrations.json
                  kazashi-lab library --folder \(folder) --port \(port)
                  kazashi run --config \(folder)/kazashi.toml
                  kazashi-lab tap --profile \(folder)/cards/good.json
                """)
        }
    }
}
