internal import Advice
package import Panel
package import Settings

/// Why what a technician put on the partition `setup` does not serve.
package struct SetupProblem: Error, Equatable, Sendable {
    package let code: SetupCode
    /// Of kazashi.toml, where that is certain.
    package let line: Int?
    /// For the report, in both languages: what happened, and what to do.
    package let text: String

    package init(_ code: SetupCode, _ detail: String = "") {
        (self.code, line) = (code, nil)
        let seen = detail.isEmpty ? "" : ": \(detail)"
        text = "\(code.rawValue) \(code.advice.happened.english)\(seen)\n\(code.advice.indented)"
    }

    /// kazashi.toml is wrong.
    package init(_ error: ConfigurationError, in file: String) {
        (code, line) = (.wrong, error.line(in: file))
        let place = line.map { "line \($0), " } ?? ""
        let key = if case .key(let key) = error.place { key + ": " } else { "" }
        text =
            "\(code.rawValue) \(code.advice.happened.english): \(place)\(key)\(error.problem)\n\(error.kind.advice.indented)"
    }
}
