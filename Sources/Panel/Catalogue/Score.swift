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

extension Message {
    /// Where and in which pattern: each message's light is told from the others' without seeing colours. Nothing flashes
    /// faster than 3 Hz.
    package var light: Score<Lamps> {
        switch self {
        case .ready: .steady(.left)
        case .holdStill, .pleaseWait: .blinking(.left)
        case .welcome: .steady(.middle)
        case .takeCard:
            Score([(.middle, .milliseconds(500)), (.right, .milliseconds(500))], repeats: true)
        case .tryAgain, .tryWithoutCase, .notThisCard: .blinking(.right)
        case .seeTheCounter, .networkError: .steady(.right)
        case .stopped: .steady([])
        case .outOfService:
            Score([(.right, .milliseconds(200)), ([], .milliseconds(2_800))], repeats: true)
        }
    }

    /// Told apart by rhythm (JIS S 0013); nil: silence. Nothing sounds before the outcome, so that no tone is ever taken
    /// for a welcome.
    package var sound: Score<Tone>? {
        switch self {
        case .ready, .holdStill, .pleaseWait, .outOfService, .stopped: nil
        case .welcome: .rhythm([100, 100, 100])
        case .tryAgain, .tryWithoutCase, .notThisCard: .rhythm([250, 150, 250, 150, 250])
        case .seeTheCounter, .networkError: .rhythm([800])
        case .takeCard: .rhythm([400, 150, 150, 1_300], repeats: true)
        }
    }
}

extension Score<Lamps> {
    fileprivate static func blinking(_ lamps: Lamps) -> Score {
        Score([(lamps, .milliseconds(500)), ([], .milliseconds(500))], repeats: true)
    }
}

extension Score<Tone> {
    /// Milliseconds of tone and silence in turn.
    fileprivate static func rhythm(_ milliseconds: [Int], repeats: Bool = false) -> Score {
        let beats = milliseconds.enumerated().map { index, length in
            (index.isMultiple(of: 2) ? Tone.sounding : .silent, Duration.milliseconds(length))
        }
        return Score(repeats ? beats : beats + [(.silent, .zero)], repeats: repeats)
    }
}
