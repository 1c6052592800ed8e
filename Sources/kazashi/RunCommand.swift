import ArgumentParser
import Kiosk
import Logging
import Registry

extension Kazashi {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the appliance until SIGTERM; SIGHUP reads revocation lists again.")

        @OptionGroup var options: ConfigurationOption

        @Flag(help: "Print states and taps as JSON lines on standard output; never an identity.")
        var tapsToStdout = false

        func run() async throws {
            let configuration = try options.load()
            LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
            let log = Logger(label: "kazashi")
            do {
                try await Appliance(
                    configuration: configuration, output: tapsToStdout ? .standardOutput : .none, log: log
                ).run()
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
        switch error.code {
        case .wrongKey:
            """
            registry: wrong_key: the storage key is not the one this database was made with; nothing was changed.
              Give the right kiosk.storage_key, or move the database away and register again.
              保存用の鍵がデータベースと一致しません（変更していません）。正しい鍵を指定してください。
            """
        case .damaged:
            """
            registry: damaged: the database is not as it was written.
              Restore it from a copy, or move it away and register again.
              データベースが壊れています。控えから戻すか、登録し直してください。
            """
        case .unavailable:
            """
            registry: unavailable (\(error)): the database can not be read or written.
              Check the disk and the rights of the state folder.
              データベースを読み書きできません。ディスクと権限を確認してください。
            """
        case .unknownID:
            """
            registry: unknown_id: no registration has that id.
              See `kazashi registration list`.
              その ID の登録はありません。
            """
        case .otherCardKey:
            """
            registry: other_card_key: another card key is pinned.
              Use `kazashi registration forget-card-key` first, at the counter.
              別のカード鍵が登録されています。
            """
        }
    }
}
