internal import Advice
internal import ArgumentParser
internal import Clock
internal import Files
internal import Foundation
internal import Panel
internal import Settings
internal import TestRig

/// What a 2×20 display, three lamps and a beeper do in each state: as text, or as pictures to look at.
struct PanelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "panel",
        abstract: "Show what display, lights and sound do in each state.",
        discussion: """
            Without --svg and --configuration the tables of operate.md and flash.md are printed.
            """)

    @Option(help: "Draw one SVG a state into this folder.") var svg: String?
    @Option(help: "Show each screen in turn on the display of this kazashi.toml; the service must not hold it.")
    var configuration: String?
    @Option(help: "How long each screen stands there.") var seconds = 2.0
    @Option(help: "20 or 16 columns.") var columns = 20
    @Flag(help: "A kiosk that believes test cards.") var test = false

    func run() async throws {
        if let configuration { return try await play(configuration) }
        guard let svg else { return print(CatalogueTables.all.joined(separator: "\n\n")) }
        guard let width = DisplayLayout.Width(rawValue: columns) else { throw ValidationError("20 or 16 columns.") }
        try FileManager.default.createDirectory(atPath: svg, withIntermediateDirectories: true)
        for message in Message.all {
            let picture = svg + "/\(message.name).svg"
            try Data(PanelPicture(message, layout: DisplayLayout(width: width, isTest: test)).svg.utf8)
                .write(to: URL(filePath: picture))
            note(picture)
        }
    }
}

extension PanelCommand {
    private func play(_ file: String) async throws {
        guard let options = ReadableParts(file: file).panel, var device = options.displayDevice else {
            throw ValidationError("\(file) has no [panel] that can be read, or no display.")
        }
        do throws(DeviceFault) {
            try device.open()
        } catch {
            throw ValidationError("The display can't be used: \(error.rawValue).\n\(error.advice.indented)")
        }
        defer { device.close() }
        for message in Message.all {
            for screen in options.layout.screens(of: message) {
                try device.perform(screen)
                print("\(message.name)|\(screen.upper)|\(screen.lower)")
                try await Task.sleep(for: .seconds(seconds))
            }
        }
    }
}
