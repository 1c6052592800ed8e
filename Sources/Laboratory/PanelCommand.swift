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
            Without --png and --configuration the tables of operate.md are printed. Pictures are drawn by Chromium, headless.
            """)

    @Option(help: "Draw one PNG a state into this folder.") var png: String?
    @Option(help: "Show each screen in turn on the display of this kazashi.toml; the service must not hold it.")
    var configuration: String?
    @Option(help: "How long each screen stands there.") var seconds = 2.0
    @Option(help: "20 or 16 columns.") var columns = 20
    @Flag(help: "A kiosk that believes test cards.") var test = false

    func run() async throws {
        if let configuration { return try await play(configuration) }
        guard let png else { return print(CatalogueTables.all.joined(separator: "\n\n")) }
        guard let width = DisplayLayout.Width(rawValue: columns) else { throw ValidationError("20 or 16 columns.") }
        try FileManager.default.createDirectory(atPath: png, withIntermediateDirectories: true)
        let layout = DisplayLayout(width: width, isTest: test)
        for message in Message.all {
            let page = png + "/\(message.name).html"
            try Data(PanelPicture(message, layout: layout).html.utf8).write(to: URL(filePath: page))
            defer { try? FileManager.default.removeItem(atPath: page) }
            let picture = png + "/\(message.name).png"
            let result = try await ChildProcess.run(
                "/usr/bin/chromium",
                [
                    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=760,420",
                    "--screenshot=\(picture)", "file://\(URL(filePath: page).path())",
                ])
            guard FileManager.default.fileExists(atPath: picture) else {
                throw ValidationError("chromium drew nothing: \(result.error)")
            }
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

/// One state as a page: the screens in turn, the lamps and the tone over three seconds.
private struct PanelPicture {
    private let message: Message
    private let layout: DisplayLayout

    init(_ message: Message, layout: DisplayLayout) { (self.message, self.layout) = (message, layout) }

    private static let span = 3_000.0

    var html: String {
        """
        <!doctype html><meta charset="utf-8"><style>
        body { margin: 20px; font: 16px sans-serif; background: #fff; color: #111 }
        .lcd { display: inline-block; background: #0b2b33; padding: 10px; margin: 4px 16px 12px 0; border-radius: 6px }
        .row { display: flex } .cell { width: 15px; height: 26px; margin: 1px; background: #123c46; color: #7ffbe8;
        font: 22px IPAGothic, monospace; text-align: center; line-height: 26px }
        .line { display: flex; align-items: center; height: 26px } .name { width: 120px }
        .track { position: relative; width: 560px; height: 16px; background: #ddd }
        .on { position: absolute; top: 0; height: 16px; background: #c33 } .tone { background: #235 }
        </style><h3>\(message.name)</h3>\(screens)\(lamps)\(tone)
        <p>0 to 3 s; \(message.light.repeats ? "the light repeats" : "the light stays")\
        \(message.sound == nil ? ", silent" : message.sound?.repeats == true ? ", the sound repeats" : ", the sound once")</p>
        """
    }

    private var screens: String {
        layout.screens(of: message).map { screen in
            "<div class=lcd>\([screen.upper, screen.lower].map(Self.row).joined())</div>"
        }.joined()
    }

    private static func row(_ text: String) -> String {
        let cells = text.unicodeScalars.map { "<div class=cell>\($0 == " " ? "" : String($0))</div>" }
        return "<div class=row>\(cells.joined())</div>"
    }

    private var lamps: String {
        zip(Lamps.each, ["left", "middle", "right"]).map { lamp, name in
            track(name, message.light, "on") { $0.contains(lamp) }
        }.joined()
    }

    private var tone: String {
        message.sound.map { track("sound", $0, "on tone") { $0 == .sounding } }
            ?? track("sound", nil as Score<Tone>?, "") { _ in false }
    }

    private func track<Step>(_ name: String, _ score: Score<Step>?, _ style: String, _ isOn: (Step) -> Bool) -> String {
        var bars = ""
        var at = 0.0
        while let score, at < Self.span {
            for beat in score.beats where at < Self.span {
                let length = beat.lasts == .zero ? Self.span - at : min(beat.lasts.milliseconds, Self.span - at)
                if isOn(beat.step) {
                    bars +=
                        "<div class='\(style)' style='left:\(at / Self.span * 100)%;width:\(length / Self.span * 100)%'></div>"
                }
                at += length
            }
            if !score.repeats { break }
        }
        return "<div class=line><div class=name>\(name)</div><div class=track>\(bars)</div></div>"
    }
}
