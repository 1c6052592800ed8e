package import Settings
package import Advice

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
    package let seen: String
    package let advice: Words?

    /// All is well.
    init(_ part: String, _ seen: String) { (self.part, state, self.seen, advice) = (part, .fine, seen, nil) }

    init(_ part: String, _ state: State, _ seen: String, _ advice: Words) {
        (self.part, self.state, self.seen, self.advice) = (part, state, seen, advice)
    }

    package init(_ part: String, _ error: ConfigurationError) { self.init(part, .wrong, error.seen, error.advice) }
}
