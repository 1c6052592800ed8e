import ArgumentParser
import CLinux
import Files
import Glibc
import Service
import Settings

/// The appliance's command: thin. What it does lives in the rooms.
@main
struct Kazashi: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kazashi",
        abstract: "Card login for libraries: without a PIN, without Windows, without the cloud.",
        discussion: """
            マイナンバーカードのかざし利用（暗証番号なし）による図書館向けログイン装置です。

            Exit codes: 0 success; 1 negative result; 2 usage or configuration error; 3 undetermined.
            Messages go to standard error; --json prints one JSON object on standard output.
            """,
        version: KazashiVersion.text,
        subcommands: [
            Run.self, Status.self, Doctor.self, Check.self, RevocationList.self, Registration.self, Library.self,
            Key.self, Provision.self, CardService.self, Notice.self,
        ])

    static func main() async {
        // What a command holds, a file of root's as its input too, is no other process's of the same user.
        _ = kz_forbid_core_dumps()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            finish(error)
        }
    }

    /// The contract's exit codes: whatever is wrong with the words of a call is 2.
    private static func finish(_ error: any Error) -> Never {
        if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
        let message = fullMessage(for: error)
        if exitCode(for: error) == .success {
            print(message)
            Glibc.exit(0)
        }
        say(message)
        Glibc.exit(2)
    }
}

/// Root works in a folder of the service's as the service's user.
/// - Returns: whether it is that user now.
@discardableResult
func actAsOwner(of path: String) throws -> Bool {
    do {
        return try Ownership.become(ownerOf: path)
    } catch {
        say("\(error)")
        throw ExitCode.couldNotTell
    }
}

/// Words for people: standard error.
func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

extension ExitCode {
    static let no = ExitCode(1)
    static let wrongUse = ExitCode(2)
    static let couldNotTell = ExitCode(3)
}

/// `--config`, read; wrong configuration ends the command with 2.
struct ConfigurationOption: ParsableArguments {
    @Option(help: "The configuration, kazashi.toml.")
    var config: String

    /// - Parameters:
    ///   - takesExposedSecrets: as the doctor does.
    ///   - unusable: told beside the words on standard error.
    func load(
        takesExposedSecrets: Bool = false, unusable: (ConfigurationError) -> Void = { _ in }
    ) throws -> Configuration {
        do {
            return try Configuration(file: config, takesExposedSecrets: takesExposedSecrets)
        } catch {
            unusable(error)
            say("\(error)")
            throw ExitCode.wrongUse
        }
    }
}
