package import Advice
package import Logging

extension Logger {
    /// One line with a code: what happened, and what to do about it, in both languages.
    package func note(_ code: any Advised, at level: Level = .warning, _ more: Metadata = [:]) {
        log(level: level, "\(code.advice.happened.english)", metadata: Self.words(code, more))
    }

    package static func words(_ code: any Advised, _ more: Metadata = [:]) -> Metadata {
        words(code.code, code.advice, more)
    }

    package static func words(_ code: String, _ advice: Advice, _ more: Metadata = [:]) -> Metadata {
        more.merging([
            "code": "\(code)", "状態": "\(advice.happened.japanese)", "advice": "\(advice.action.english)",
            "対処": "\(advice.action.japanese)",
        ]) { $1 }
    }
}
