internal import Clock
package import Panel

/// One state as an SVG: the screens in turn, and what the lamps and the tone do in three seconds.
package struct PanelPicture {
    private let message: Message
    private let layout: DisplayLayout

    package init(_ message: Message, layout: DisplayLayout = DisplayLayout()) {
        (self.message, self.layout) = (message, layout)
    }

    // Pixels.
    private static let cell = (width: 16, height: 26)
    private static let margin = 12
    private static let name = 70
    /// Milliseconds that a track shows.
    private static let span = 3_000.0

    private var screenWidth: Int { layout.width.rawValue * Self.cell.width + 2 * Self.margin }

    package var svg: String {
        let screens = layout.screens(of: message)
        let height = 2 * Self.cell.height + 2 * Self.margin
        let width = screens.count * (screenWidth + Self.margin)
        let tracks = tracks
        let drawn = screens.enumerated().map { screen($1, left: $0 * (screenWidth + Self.margin), height) }
        let lines = tracks.enumerated().map { track($1, top: height + Self.margin + $0 * 20, width: width) }
        let total = height + Self.margin + tracks.count * 20
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(total)" viewBox="0 0 \(width) \(total)" \
            font-family="monospace">
            <title>\(message.name)</title>
            \((drawn + lines).joined(separator: "\n"))
            </svg>

            """
    }

    private func screen(_ screen: Screen, left: Int, _ height: Int) -> String {
        let rows = [screen.upper, screen.lower].enumerated().map { row, text in
            let glyphs = text.unicodeScalars.enumerated().filter { $0.element != " " }
            // Each stands in a cell of its own, whatever the font.
            let places = glyphs.map { String(left + Self.margin + $0.offset * Self.cell.width + Self.cell.width / 2) }
            let baseline = Self.margin + row * Self.cell.height + 20
            return glyphs.isEmpty
                ? ""
                : """
                <text y="\(baseline)" x="\(places.joined(separator: " "))" font-size="20" fill="#7ffbe8" \
                text-anchor="middle">\(glyphs.map { Self.escaped($0.element) }.joined())</text>

                """
        }
        return """
            <rect x="\(left)" width="\(screenWidth)" height="\(height)" rx="6" fill="#0b2b33"/>
            \(rows.joined())
            """
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        default: String(scalar)
        }
    }

    /// A lamp or the tone: when it is on, in milliseconds.
    private struct Track {
        let name: String
        let colour: String
        let bars: [(from: Double, length: Double)]
    }

    private var tracks: [Track] {
        zip(Lamps.each, ["left", "middle", "right"]).map { lamp, name in
            Track(name: name, colour: "#c33", bars: Self.bars(message.light) { $0.contains(lamp) })
        } + [
            Track(
                name: "sound", colour: "#235",
                bars: message.sound.map { Self.bars($0) { $0 == .sounding } } ?? [])
        ]
    }

    private static func bars<Step>(_ score: Score<Step>, _ isOn: (Step) -> Bool) -> [(from: Double, length: Double)] {
        var bars: [(from: Double, length: Double)] = []
        var at = 0.0
        while at < span {
            for beat in score.beats where at < span {
                let length = beat.lasts == .zero ? span - at : min(beat.lasts.milliseconds, span - at)
                if isOn(beat.step) { bars.append((at, length)) }
                at += length
            }
            if !score.repeats { break }
        }
        return bars
    }

    private func track(_ track: Track, top: Int, width: Int) -> String {
        let length = Double(width - Self.name - Self.margin)
        func pixels(_ milliseconds: Double) -> Int { Int((milliseconds / Self.span * length).rounded()) }
        let bars = track.bars.map {
            "<rect x=\"\(Self.name + pixels($0.from))\" y=\"\(top)\" width=\"\(pixels($0.length))\" height=\"14\" fill=\"\(track.colour)\"/>"
        }
        return """
            <text x="0" y="\(top + 12)" font-size="14">\(track.name)</text>
            <rect x="\(Self.name)" y="\(top)" width="\(Int(length))" height="14" fill="#ddd"/>\(bars.joined())
            """
    }
}
