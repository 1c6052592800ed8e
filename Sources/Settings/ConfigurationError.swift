package import Advice

/// A configuration that can't be used: where, what, and what to do. Secrets and identities are never quoted.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case unreadable, notTOML, unknownKey, missingKey, wrongValue, badKey, wrongMode, noCredential
    }
    package enum Place: Equatable, Sendable {
        case whole
        /// Only where the parser is certain of it.
        case line(Int)
        case key(String)
    }
    package let kind: Kind
    package let file: String
    package let place: Place
    package let problem: String

    package init(_ kind: Kind, file: String, place: Place = .whole, _ problem: String) {
        (self.kind, self.file, self.place, self.problem) = (kind, file, place, problem)
    }

    package var description: String { "\(seen)\n\(advice.indented)" }

    /// Where, and what.
    package var seen: String {
        let place =
            switch place {
            case .whole: file
            case .line(let line): "\(file):\(line)"
            case .key(let key): "\(file): \(key)"
            }
        return "\(place): \(problem)"
    }

    package var advice: Words {
        switch kind {
        case .unreadable: Words("Check the path and the rights of the file.", "ファイルの場所と権限を確認してください。")
        case .notTOML: Words("Mend the line; the file is TOML 1.0.", "この行を TOML 1.0 として直してください。")
        case .unknownKey:
            Words(
                "Remove the key or mend its spelling; the README lists all keys.",
                "キーを削除するか綴りを直してください（README に一覧があります）。")
        case .missingKey: Words("Add the key; the README shows an example.", "キーを追加してください（README に例があります）。")
        case .wrongValue: Words("Give a value of the kind that is asked for.", "求められている形式の値にしてください。")
        case .badKey: Words("Give a file that holds such a key, certificate or list.", "正しい鍵・証明書のファイルを指定してください。")
        case .wrongMode:
            Words("Run chmod 0600 on the file: nobody else may read it.", "chmod 0600 で所有者だけが読めるようにしてください。")
        case .noCredential:
            Words(
                "Say it as the service would: sudo kazashictl, and the same words.",
                "sudo kazashictl に続けて同じコマンドを実行してください。")
        }
    }
}
