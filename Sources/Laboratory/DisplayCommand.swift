internal import ArgumentParser
internal import Foundation
internal import Panel
internal import TestRig

/// A serial display to try a kiosk with: a line to write to, and what stands on the display.
struct DisplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "display",
        abstract: "Be a two-row serial display: make a line, and print both rows whenever they change.")

    @Option(help: "cd5220, utc, escpos or charlcd.") var commands = "cd5220"
    @Option(help: "20 or 16.") var columns = 20
    @Option(help: "A link to the line, made anew.") var link: String

    func run() async throws {
        guard let commands = CommandSet(rawValue: commands) else { throw ValidationError("No such command set.") }
        guard let width = DisplayLayout.Width(rawValue: columns) else { throw ValidationError("20 or 16 columns.") }
        let display = try SerialDisplay(commands, width: width)
        // Whoever tries a kiosk as a user of its own.
        chmod(display.path, 0o666)
        unlink(link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: display.path)
        for await change in display.changes {
            FileHandle.standardOutput.write(Data("[\(change.rows.joined(separator: "|"))]\n".utf8))
        }
    }
}
