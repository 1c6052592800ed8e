import Panel
import Testing

@Suite struct CatalogueTests {
    @Test("Every phrase fits the smallest display and has a cell for each character", arguments: Message.all)
    func fits(message: Message) throws {
        for text in [message.phrase.japanese, message.phrase.english] {
            let cells = try #require(Cells.encode(text), "\(text) has a character without a cell")
            #expect(cells.count <= Phrase.mostCells, "\(text) takes \(cells.count) cells")
            #expect(!text.isEmpty)
        }
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
        let text = Message.seeTheCounter.phrase
        for word in ["revoked", "block", "suspend", "regist", "ｼｯｺｳ", "ﾃｲｼ"] {
            #expect(!text.english.lowercased().contains(word) && !text.japanese.contains(word))
        }
    }
}

@Suite struct TerminalDisplayTests {
    @Test("Two rows, padded in cells, and TEST where test cards are believed")
    func rows() async {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        let display = TerminalDisplay { continuation.yield($0) }
        await display.show(.ready, isTest: true)
        continuation.finish()
        var lines: [String] = []
        for await line in stream { lines.append(line) }
        #expect(lines == ["[ｶｰﾄﾞｦｶｻﾞｼﾃｸﾀﾞｻｲ     |Hold your card      ] TEST\n"])
    }
}

@Suite struct OperatorAdviceTests {
    @Test("Every advice stands in both languages", arguments: OperatorAdvice.allCases)
    func both(advice: OperatorAdvice) {
        #expect(advice.english.allSatisfy(\.isASCII) && !advice.english.isEmpty)
        #expect(advice.japanese.contains { !$0.isASCII })
    }
}
