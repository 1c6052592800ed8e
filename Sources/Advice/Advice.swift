/// A text for an operator, in both languages.
package struct Words: Hashable, Sendable {
    package let english: String
    package let japanese: String

    package init(_ english: String, _ japanese: String) { (self.english, self.japanese) = (english, japanese) }
}

/// What a code tells an operator: what happened, and what to do.
package struct Advice: Hashable, Sendable {
    /// The English without a full stop: it is a line of the journal, too.
    package let happened: Words
    package let action: Words

    package init(_ happened: String, _ japanese: String, do action: String, _ japaneseAction: String) {
        self.init(Words(happened, japanese), do: Words(action, japaneseAction))
    }

    package init(_ happened: Words, do action: Words) { (self.happened, self.action) = (happened, action) }

    /// In one line.
    package var text: Words {
        Words("\(happened.english). \(action.english)", happened.japanese + action.japanese)
    }

    /// What happened in English, and the lines under it.
    package var lines: String { "\(happened.english)\n\(indented)" }

    /// Under a line that says in English what happened: what to do, and in Japanese both.
    package var indented: String { "  \(action.english)\n  \(text.japanese)" }
}

/// A code with its words. Each room has the words of its own codes; the documents' tables are made of them.
package protocol Advised: Sendable {
    var code: String { get }
    var advice: Advice { get }
}

extension Advised where Self: RawRepresentable, RawValue == String {
    package var code: String { rawValue }
}
