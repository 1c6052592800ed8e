internal import ArgumentParser
internal import Foundation
internal import Kiosk
internal import Panel

/// What the panel costs a tap.
struct PanelBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "panel",
        abstract: "What showing something costs a tap, with a display that reads and one that does not.")

    func run() async throws {
        for reads in [true, false] {
            let terminal = try PseudoTerminal()
            let reading = Thread {
                while !Thread.current.isCancelled { _ = terminal.read(wait: 100) }
            }
            if reads { reading.start() }
            let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-leds-\(UUID().uuidString)")
                .path()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var options = PanelOptions()
            options.display = .device(.cd5220, path: terminal.path)
            options.lights = ["left", "middle", "right"].map { folder + "/" + $0 }
            for light in options.lights {
                try FileManager.default.createDirectory(atPath: light, withIntermediateDirectories: true)
                try Data("000".utf8).write(to: URL(filePath: light + "/brightness"))
            }
            let panel = FrontPanel(options)
            let running = Task { await panel.run() }
            if !reads {
                // Until the line is full and held.
                while panel.conditions.allSatisfy({ $0.condition == .well }) { panel.show(.welcome) }
            }
            let timings = Timings.measure(10_000) {
                panel.show(.holdStill)
                panel.show(.welcome)
            }
            timings.emit(reads ? "two messages shown" : "the same, the line held")
            running.cancel()
            reading.cancel()
            terminal.close()
        }
    }
}
