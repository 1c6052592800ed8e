import Advice
import Panel
import TestRig
import Testing

@Suite struct CatalogueTests {
    static let layouts: [DisplayLayout] = DisplayLayout.Width.allCases.flatMap { width in
        [true, false].flatMap { hasKana in
            [true, false].flatMap { isTest in
                DisplayLayout.Language.allCases.map {
                    DisplayLayout(width: width, hasKana: hasKana, language: $0, isTest: isTest)
                }
            }
        }
    }

    @Test("Every phrase fits the smallest display and has a cell for each character", arguments: Message.all)
    func fits(message: Message) throws {
        for text in message.phrase.texts {
            let cells = try #require(Cells.encode(text), "\(text) has a character without a cell")
            #expect(cells.count <= Phrase.mostCells, "\(text) takes \(cells.count) cells")
            #expect(!text.isEmpty)
        }
    }

    @Test("On every display each row has exactly its cells, and TEST is said with everything", arguments: layouts)
    func rows(layout: DisplayLayout) throws {
        for message in Message.all {
            let screens = layout.screens(of: message)
            #expect(!screens.isEmpty)
            for screen in screens {
                for row in [screen.upper, screen.lower] {
                    let cells = try #require(Cells.encode(row))
                    #expect(cells.count == layout.width.rawValue)
                    #expect(layout.hasKana || cells.allSatisfy { $0 < 0x80 })
                }
            }
            // At once, and pushing out nothing.
            #expect(screens.first?.lower.contains("TEST") == layout.isTest)
            for text in message.phrase.texts where layout.hasKana || text.utf8.allSatisfy({ $0 < 0x80 }) {
                #expect(screens.contains { $0.upper.contains(text) || $0.lower.contains(text) }, "\(text)")
            }
        }
    }

    @Test("Ready takes turns, Japanese and English, the configured language first")
    func turns() {
        let japanese = DisplayLayout().screens(of: .ready)
        #expect(japanese.map { $0.lower.withoutTrailingSpaces } == ["ｶｻﾞｼﾃｸﾀﾞｻｲ", "Hold here"])
        #expect(DisplayLayout(language: .en).screens(of: .ready) == japanese.reversed())
        #expect(DisplayLayout().score(of: .ready).repeats)
        #expect(DisplayLayout(takesTurns: false).score(of: .ready).beats.count == 1)
    }

    @Test("A dakuten takes a cell of its own; precomposed kana and kanji have none")
    func cells() {
        #expect(Cells.encode("ｶﾞ") == [0xB6, 0xDE])
        #expect(Cells.count("ｶﾞ") == 2)
        #expect(Cells.encode("ガ") == nil)
        #expect(Cells.encode("漢") == nil)
        #expect(Cells.encode("\\~") == nil)
        #expect(Cells.padded("ｶﾞ", to: 4) == "ｶﾞ  ")
    }

    @Test("No message says why an account was refused")
    func neutral() {
        for word in ["revoked", "block", "suspend", "regist", "ｼｯｺｳ", "ﾃｲｼ"] {
            #expect(Message.seeTheCounter.phrase.texts.allSatisfy { !$0.lowercased().contains(word) })
        }
    }
}

@Suite struct CueTests {
    @Test("No lamp flashes faster than 3 Hz", arguments: Message.all)
    func flashes(message: Message) {
        let score = message.light
        guard score.repeats else {
            #expect(score.beats.count == 1)
            return
        }
        let period = score.beats.map(\.lasts).reduce(.zero, +)
        for lamp in Lamps.each {
            let states = score.beats.map { $0.step.contains(lamp) }
            // From the last beat to the first counts, too.
            let lit = states.indices.count { states[$0] && !states[($0 + states.count - 1) % states.count] }
            #expect(period >= .milliseconds(334) * lit)
        }
    }

    @Test("Lights tell apart what a patron must do: ready, wait, welcome, take it, again, counter, out of order")
    func lights() {
        let kinds: [Message] = [
            .ready, .holdStill, .welcome, .takeCard, .tryAgain, .seeTheCounter, .outOfService(.clock),
        ]
        #expect(Set(kinds.map(\.light)).count == kinds.count)
    }

    @Test("Sounds differ by rhythm, end in silence, and stay below 2500 Hz")
    func sounds() throws {
        let sounding: [Message] = [.welcome, .takeCard, .tryAgain, .seeTheCounter]
        let scores = sounding.compactMap(\.sound)
        #expect(Set(scores).count == sounding.count)
        for score in scores { #expect(score.beats.last?.step == .silent) }
        #expect(Beeper.Volume.allCases.allSatisfy { $0.frequency <= 2_500 })
        // Nothing that could be taken for a welcome before there is one.
        for message in [Message.ready, .holdStill, .pleaseWait] { #expect(message.sound == nil) }
    }

    @Test(
        "Quiet hours, across midnight too; anything else is none",
        arguments: [
            ("20:00-08:30", 1_199, false), ("20:00-08:30", 1_200, true), ("20:00-08:30", 0, true),
            ("20:00-08:30", 509, true), ("20:00-08:30", 510, false), ("12:00-13:00", 720, true),
            ("12:00-13:00", 780, false),
        ])
    func quiet(text: String, minute: Int, isQuiet: Bool) throws {
        #expect(try #require(HoursOfDay(text)).contains(minute: minute) == isQuiet)
    }

    @Test(
        "No quiet hours",
        arguments: ["", "20:00", "20:00-24:00", "8:00-9:00", "20:00-20:00", "20:00-08:30-09:00", "aa:00-bb:00"])
    func noHours(text: String) { #expect(HoursOfDay(text) == nil) }
}
