/// What a device does over time.
package struct Score<Step: Hashable & Sendable>: Hashable, Sendable {
    package struct Beat: Hashable, Sendable {
        package let step: Step
        package let lasts: Duration
    }
    package let beats: [Beat]
    /// From the beginning again after the last beat, until another score is played.
    package let repeats: Bool

    package init(_ beats: [(Step, Duration)], repeats: Bool = false) {
        self.beats = beats.map { Beat(step: $0, lasts: $1) }
        self.repeats = repeats
    }

    package static func steady(_ step: Step) -> Score { Score([(step, .zero)]) }
}

/// Three lamps told apart by where they stand: left, middle, right.
package struct Lamps: OptionSet, Hashable, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let left = Lamps(rawValue: 1)
    package static let middle = Lamps(rawValue: 2)
    package static let right = Lamps(rawValue: 4)
    package static let each: [Lamps] = [.left, .middle, .right]
}

/// A tone on or off. How high it is, is the beeper's.
package enum Tone: Hashable, Sendable { case sounding, silent }

extension Score<Lamps> {
    static func blinking(_ lamps: Lamps) -> Score {
        Score([(lamps, .milliseconds(500)), ([], .milliseconds(500))], repeats: true)
    }

    /// From the middle to the right and back.
    static let swinging = Score([(.middle, .milliseconds(500)), (.right, .milliseconds(500))], repeats: true)
    /// A short light every three seconds.
    static let glowing = Score([(.right, .milliseconds(200)), ([], .milliseconds(2_800))], repeats: true)
}

extension Score<Tone> {
    static let welcome = rhythm([100, 100, 100])
    static let again = rhythm([250, 150, 250, 150, 250])
    static let staff = rhythm([800])
    static let reminder = rhythm([400, 150, 150, 1_300], repeats: true)

    /// Milliseconds of tone and silence in turn.
    private static func rhythm(_ milliseconds: [Int], repeats: Bool = false) -> Score {
        let beats = milliseconds.enumerated().map { index, length in
            (index.isMultiple(of: 2) ? Tone.sounding : .silent, Duration.milliseconds(length))
        }
        return Score(repeats ? beats : beats + [(.silent, .zero)], repeats: repeats)
    }
}
