package import Panel

/// `[panel]`: what a patron sees and hears, and through which devices.
package struct PanelOptions: Sendable {
    package enum Display: Hashable, Sendable {
        case terminal
        case none
        case device(CommandSet, path: String)
        /// RS, E, D4, D5, D6, D7 of a GPIO chip.
        case gpio(chip: String, lines: [UInt32])
        case backpack(bus: String, address: UInt8)
    }

    package var display = Display.terminal
    package var layout = DisplayLayout()
    /// Three LEDs, left to right; none: empty.
    package var lights: [String] = []
    package var beeper: String?
    package var volume = Beeper.Volume.high
    package var quiet: HoursOfDay?

    package init() {}

    /// What drives the display; nil where there is none.
    package var displayDevice: (any PanelDevice<Screen>)? {
        switch display {
        case .none: nil
        case .terminal: TerminalDisplay()
        case .device(let commands, let path): CharacterDisplay(commands, path: path, hasKana: layout.hasKana)
        case .gpio(let chip, let lines): HD44780Display(GPIOLines(chip: chip, offsets: lines))
        case .backpack(let bus, let address): HD44780Display(BackpackLines(bus: bus, address: address))
        }
    }
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
            guard let quiet = HoursOfDay(text) else {
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
            if parts.count == 2, let commands = CommandSet(rawValue: String(parts[0])) {
                return .device(commands, path: resolve(String(parts[1])))
            }
            switch (parts.first, parts.last) {
            case ("hd44780", let rest?): return try lines(of: rest)
            case ("hd44780-i2c", let rest?): return try backpack(rest)
            default:
                let sets = CommandSet.allCases.map { "\($0.rawValue):PATH" }.joined(separator: ", ")
                throw wrong(
                    "panel.display",
                    "must be terminal, none, \(sets), hd44780:CHIP:RS,E,D4,D5,D6,D7, or hd44780-i2c:BUS:ADDRESS")
            }
        }
    }

    /// `/dev/gpiochip0:27,17,22,23,24,25`.
    private func lines(of text: Substring) throws(ConfigurationError) -> PanelOptions.Display {
        let parts = text.split(separator: ":")
        let lines = parts.last?.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) } ?? []
        let known = lines.compactMap(\.self)
        guard parts.count == 2, let chip = parts.first, lines.count == 6, Set(known).count == 6 else {
            throw wrong(
                "panel.display",
                "hd44780 wants a GPIO chip and six different lines of it, without blanks: /dev/gpiochip0:RS,E,D4,D5,D6,D7"
            )
        }
        return .gpio(chip: resolve(String(chip)), lines: known)
    }

    /// `/dev/i2c-1:0x27`.
    private func backpack(_ text: Substring) throws(ConfigurationError) -> PanelOptions.Display {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let bus = parts.first, let written = parts.last, written.hasPrefix("0x"),
            let address = UInt8(written.dropFirst(2), radix: 16), (0x08...0x77).contains(address)
        else {
            throw wrong(
                "panel.display", "hd44780-i2c wants a bus and an address from 0x08 to 0x77: /dev/i2c-1:0x27")
        }
        return .backpack(bus: resolve(String(bus)), address: address)
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
        func player(_ device: some PanelDevice<Screen>) -> any ScorePlayer<Screen> {
            DevicePlayer(device, name: "display", finale: last) { report(.display, $0) }
        }
        let display = options.displayDevice.map { player($0) }
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
