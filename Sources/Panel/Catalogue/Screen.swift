/// What a display of two rows shows at one moment: both rows, padded to its width.
package struct Screen: Hashable, Sendable {
    package let upper: String
    package let lower: String

    package init(upper: String, lower: String) { (self.upper, self.lower) = (upper, lower) }
}

/// How a display is made, and what it is to say with every message.
package struct DisplayLayout: Hashable, Sendable {
    /// Cells a row.
    package enum Width: Int, Sendable, CaseIterable {
        case sixteen = 16
        case twenty = 20
    }
    package enum Language: String, Sendable, CaseIterable { case ja, en }

    package let width: Width
    /// False for a display without half-width katakana (an HD44780 with ROM A02): English only.
    package let hasKana: Bool
    /// Which language comes first.
    package let language: Language
    /// The kiosk believes test cards, and says so wherever it says anything.
    package let isTest: Bool
    /// False where each screen stays to be read, as on a terminal: of two languages only the first.
    package let takesTurns: Bool

    package init(
        width: Width = .twenty, hasKana: Bool = true, language: Language = .ja, isTest: Bool = false,
        takesTurns: Bool = true
    ) {
        (self.width, self.hasKana, self.language, self.isTest) = (width, hasKana, language, isTest)
        self.takesTurns = takesTurns
    }

    private static let test = "TEST"
    /// How long each language stands where they take turns.
    package static let turn = Duration.seconds(4)

    /// A message on this display: its screens in turn, each written anew at its turn, so that a display that lost its
    /// text or came back has it again.
    package func score(of message: Message) -> Score<Screen> {
        // Where TEST takes turns with words, both are read before the next message comes.
        let turn = isTest ? Self.turn / 2 : Self.turn
        return Score(screens(of: message).map { ($0, takesTurns ? turn : .zero) }, repeats: takesTurns)
    }

    /// The screens of a message.
    package func screens(of message: Message) -> [Screen] {
        switch message.phrase {
        case .rows(let japanese, let english):
            guard hasKana else { return screens([english, ""]) }
            return screens(language == .ja ? [japanese, english] : [english, japanese])
        case .turns(let japanese, let english):
            guard hasKana else { return screens(english) }
            let both = (language == .ja ? [japanese, english] : [english, japanese]).flatMap(screens)
            return takesTurns ? both : Array(both.prefix(1))
        }
    }

    private func screens(_ rows: [String]) -> [Screen] {
        let (upper, lower) = (rows.first ?? "", rows.dropFirst().first ?? "")
        guard isTest else { return [screen(upper, lower)] }
        // Beside the second row where there is room; in turn with it where there is none.
        let room = width.rawValue - Cells.count(Self.test)
        guard Cells.count(lower) >= room else { return [screen(upper, Cells.padded(lower, to: room) + Self.test)] }
        return [screen(upper, Self.test)] + (takesTurns ? [screen(upper, lower)] : [])
    }

    private func screen(_ upper: String, _ lower: String) -> Screen {
        Screen(upper: Cells.padded(upper, to: width.rawValue), lower: Cells.padded(lower, to: width.rawValue))
    }
}
