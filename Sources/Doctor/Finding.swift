package import Advice
package import Settings

/// One thing that the doctor looked at: how it is, and what is to be done.
package struct Finding: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case fine
        /// It works, and will not for long, or is not meant for patrons.
        case warning
        case wrong
    }
    /// What was looked at, such as `reader` or `library central`.
    package let part: String
    package let state: State
    /// What was seen; nothing of a patron.
    package let seen: Words
    package let action: Words?

    /// All is well.
    init(_ part: String, _ english: String, _ japanese: String) {
        (self.part, state, seen, action) = (part, .fine, Words(english, japanese), nil)
    }

    init(_ part: String, _ state: State, _ seen: Words, do action: Words) {
        (self.part, self.state, self.seen, self.action) = (part, state, seen, action)
    }

    /// - Parameter subject: what it is about, such as a path.
    init(_ part: String, _ state: State, _ advice: Advice, of subject: String? = nil) {
        let prefix = subject.map { "\($0): " } ?? ""
        self.init(
            part, state, Words(prefix + advice.happened.english, prefix + advice.happened.japanese), do: advice.action)
    }

    package init(_ part: String, _ error: ConfigurationError) {
        self.init(
            part, .wrong, Words(error.seen, "\(error.where)：\(error.kind.advice.happened.japanese)"),
            do: error.kind.advice.action)
    }
}
