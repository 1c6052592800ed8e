/// A text for an operator, in both languages.
package struct Words: Hashable, Sendable {
    package let english: String
    package let japanese: String

    package init(_ english: String, _ japanese: String) { (self.english, self.japanese) = (english, japanese) }

    /// Under a line that says what happened: English, then Japanese.
    package var indented: String { "  \(english)\n  \(japanese)" }

    /// English is ASCII; what follows it is Japanese.
    package var isInBothLanguages: Bool {
        !english.isEmpty && english.allSatisfy(\.isASCII) && japanese.contains { !$0.isASCII }
    }
}
