internal import ArgumentParser
internal import Glibc

/// `kazashi-lab`: tools to try, test and pilot.
package enum LaboratoryCommand {
    package static func run() async {
        do {
            var command = try Lab.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            if let code = error as? ExitCode { exit(code.rawValue) }
            let message = Lab.fullMessage(for: error)
            if Lab.exitCode(for: error) == .success {
                print(message)
                exit(0)
            }
            note(message)
            exit(Lab.exitCode(for: error) == .validationFailure ? 2 : 1)
        }
    }
}

struct Lab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kazashi-lab", abstract: "Tools to try, test and pilot Kazashi; never in the appliance's image.",
        subcommands: [
            CardCommand.self, TapCommand.self, PKICommand.self, LibraryCommand.self, VectorsCommand.self,
            DiagramCommand.self, DisplayCommand.self, PanelCommand.self,
            DemoCommand.self, FlutterCommand.self, BenchCommand.self,
        ])
}

/// Words for people: standard error.
func note(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Results: standard output, each line at once, also into a pipe.
func emit(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}
