package import Panel

/// `[panel]`: what a patron sees and hears, and through which devices.
package struct PanelOptions: Sendable {
    package enum Display: Hashable, Sendable {
        case terminal
        case none
        case device(CommandSet, path: String)
    }

    package var display = Display.terminal
    package var layout = DisplayLayout()
    /// Three LEDs, left to right; none: empty.
    package var lights: [String] = []
    package var beeper: String?
    package var volume = Beeper.Volume.high
    package var quiet: QuietHours?

    package init() {}
}

extension ConfigurationReader {
    func panel(_ written: ConfigurationFile.Panel?, language: String, isTest: Bool) throws(ConfigurationError)
        -> PanelOptions
    {
        var options = PanelOptions()
        options.display = try display(written?.display ?? "terminal")
        guard let width = DisplayLayout.Width(rawValue: written?.columns ?? 20) else {
            throw wrong("panel.columns", "must be 20 or 16")
        }
        guard let first = DisplayLayout.Language(rawValue: language) else {
            throw wrong("kiosk.language", #"must be "ja" or "en""#)
        }
        options.layout = DisplayLayout(
            width: width, hasKana: written?.kana ?? true, language: first, isTest: isTest,
            // On a terminal each turn would be a line of its own.
            takesTurns: options.display != .terminal)
        options.lights = written?.lights ?? []
        guard options.lights.isEmpty || options.lights.count == 3 else {
            throw wrong("panel.lights", "must name three LEDs, left to right, or none")
        }
        options.beeper = written?.beeper.map(resolve)
        guard let volume = Beeper.Volume(rawValue: written?.volume ?? "high") else {
            throw wrong("panel.volume", #"must be "high", "low" or "off""#)
        }
        options.volume = volume
        if let text = written?.quiet {
            guard let quiet = QuietHours(text) else {
                throw wrong("panel.quiet", #"must be hours such as "20:00-08:30""#)
            }
            options.quiet = quiet
        }
        return options
    }

    private func display(_ text: String) throws(ConfigurationError) -> PanelOptions.Display {
        switch text {
        case "terminal": return .terminal
        case "none": return .none
        default:
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let commands = CommandSet(rawValue: String(parts[0])) else {
                let sets = CommandSet.allCases.map { "\($0.rawValue):PATH" }.joined(separator: ", ")
                throw wrong("panel.display", "must be terminal, none, or \(sets)")
            }
            return .device(commands, path: resolve(String(parts[1])))
        }
    }
}

extension FrontPanel {
    /// The panel that `options` ask for.
    /// - Parameters:
    ///   - saysGoodbye: when it ends, it shows that nobody is behind it any more.
    ///   - report: told when a device fails and when it is well again, on that device's thread.
    package init(
        _ options: PanelOptions, saysGoodbye: Bool = true,
        report: @escaping @Sendable (Part, DeviceCondition) -> Void = { _, _ in }
    ) {
        let last = saysGoodbye ? options.layout.screens(of: .stopped).first : nil
        let display: (any ScorePlayer<Screen>)? =
            switch options.display {
            case .none: nil
            case .terminal: DevicePlayer(TerminalDisplay(), name: "display", finale: last) { report(.display, $0) }
            case .device(let commands, let path):
                DevicePlayer(
                    CharacterDisplay(commands, path: path, hasKana: options.layout.hasKana), name: "display",
                    finale: last
                ) { report(.display, $0) }
            }
        let lamps: (any ScorePlayer<Lamps>)? =
            options.lights.isEmpty
            ? nil
            : DevicePlayer(LampRow(options.lights), name: "lights", finale: saysGoodbye ? [] : nil) {
                report(.lights, $0)
            }
        let beeper: (any ScorePlayer<Tone>)? =
            options.volume == .off
            ? nil
            : options.beeper.map { path in
                DevicePlayer(Beeper(path: path, volume: options.volume), name: "sound") { report(.sound, $0) }
            }
        let quiet = options.quiet
        self.init(
            layout: options.layout, display: display, lamps: lamps, beeper: beeper, isQuiet: { quiet?.isNow ?? false })
    }
}
