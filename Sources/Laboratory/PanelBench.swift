internal import ArgumentParser
internal import Files
internal import Foundation
internal import Panel
internal import Pilot
internal import Settings
internal import TestRig
internal import VirtualCard

/// What the panel costs a tap.
struct PanelBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "panel",
        abstract: """
            What showing something costs a tap, with a display that reads and one that does not; how soon a card is
            noticed.
            """)

    func run() async throws {
        try await costs()
        try await noticed()
    }

    private func costs() async throws {
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
            var (wall, own) = (Timings(), Timings())
            for _ in 0..<10_000 {
                let (start, worked) = (ContinuousClock.now, cpuSeconds(CLOCK_THREAD_CPUTIME_ID))
                panel.show(.holdStill)
                panel.show(.welcome)
                own.add(.seconds(cpuSeconds(CLOCK_THREAD_CPUTIME_ID) - worked))
                wall.add(start.duration(to: .now))
            }
            wall.emit(reads ? "two messages shown" : "the same, the line held")
            // What is not this was spent by whatever the scheduler ran in between.
            own.emit("  of it CPU time")
            running.cancel()
            reading.cancel()
            terminal.close()
        }
    }

    /// From a card's insertion event to its words at the end of the serial line; a real line takes 50 ms more.
    private func noticed() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-bench-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        let line = try SerialDisplay()
        var options = PanelOptions()
        options.display = .device(.cd5220, path: line.path)
        let pilot = try await InProcessPilot(
            folder: cards.folder, records: cards.records, panel: FrontPanel(options))
        // A card without delays would be done before anybody read the first words.
        let card = try CardInField(cards.good.profile, timing: CardTiming(bitRate: 424, signature: 250))
        var timings = Timings()
        for _ in 0..<100 {
            let start = ContinuousClock.now
            pilot.reader.insert(card)
            guard let noticed = await line.shows("Hold still") else { break }
            timings.add(start.duration(to: noticed))
            _ = await pilot.nextTap()
            _ = await line.shows("OK")
            pilot.reader.remove()
        }
        await pilot.stop()
        line.stop()
        timings.emit("event to words on the line")
    }
}
