internal import Advice
internal import Files
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
        // Where it is looked at is nothing that a technician knows.
        let problem = error.problem.replacing(folder(of: file) + "/", with: "")
        text =
            "\(code.rawValue) \(code.advice.happened.english): \(place)\(key)\(problem)\n\(error.kind.adviceOnTheImage.indented)"
    }
}

extension ConfigurationError.Kind {
    /// A technician has a computer with the partition, and no shell on the board.
    fileprivate var adviceOnTheImage: Advice {
        switch self {
        case .unreadable:
            Advice(
                advice.happened,
                do: Words(
                    "Check the file's name, and put it beside kazashi.toml.",
                    "ファイル名を確認し、kazashi.toml と同じ場所に置いてください。"))
        case .wrongMode:
            Advice(
                Words("A secret is named as if it were none", "秘密のファイルの書き方が違います。"),
                do: Words(
                    "Write it as \"credential:NAME\", and put the file NAME beside kazashi.toml.",
                    "\"credential:ファイル名\" と書き、そのファイルを kazashi.toml と同じ場所に置いてください。"))
        default: advice
        }
    }
}
