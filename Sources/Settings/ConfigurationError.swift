package import Advice

/// A configuration that can't be used: where, what, and what to do. Secrets and identities are never quoted.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case unreadable, notUTF8, notTOML, unknownKey, missingKey, wrongValue, badKey, wrongMode, noCredential
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

    /// The line that it is about, where that can be told: the key's, or its table's where the key is missing.
    /// - Parameter file: whose text it is.
    package func line(in file: String) -> Int? {
        switch place {
        case .whole: nil
        case .line(let line): line
        case .key(let key): (try? ConfigurationReader(file: file).text()).flatMap { KeyPlace(key)?.line(in: $0) }
        }
    }

    package var description: String { "\(seen)\n\(kind.advice.indented)" }

    /// Where, and what.
    package var seen: String { "\(self.where): \(problem)" }

    /// The file, with its line or the key where that is known.
    package var `where`: String {
        switch place {
        case .whole: file
        case .line(let line): "\(file):\(line)"
        case .key(let key): "\(file): \(key)"
        }
    }
}

extension ConfigurationError.Kind: Advised {
    package var advice: Advice {
        switch self {
        case .unreadable:
            Advice(
                "Cannot read the file", "ファイルを読み取れません。", do: "Check the path and file permissions.",
                "ファイルの場所と権限を確認してください。")
        case .notUTF8:
            Advice(
                "The text is not UTF-8", "文字コードが UTF-8 ではありません。", do: "Save the file again as UTF-8.",
                "エディターで文字コードに UTF-8 を選び、保存し直してください。")
        case .notTOML:
            Advice(
                "Not valid TOML", "書式が TOML 1.0 ではありません。", do: "Fix this line: it must be valid TOML 1.0.",
                "この行の書式（TOML 1.0）を直してください。")
        case .unknownKey:
            Advice(
                "Unknown key", "不明なキーです。", do: "Remove the key or correct its spelling; operate.md lists all keys.",
                "キーを削除するか、綴りを直してください（operate.md に一覧があります）。")
        case .missingKey:
            Advice(
                "Missing key", "必要なキーがありません。", do: "Add the key; operate.md shows an example.",
                "キーを追加してください（operate.md に例があります）。")
        case .wrongValue:
            Advice(
                "Wrong value", "値が正しくありません。", do: "Change the value as this line says.",
                "表示された条件に合う値にしてください。")
        case .badKey:
            Advice(
                "Not a usable key, certificate or card anchor", "鍵・証明書・カードアンカーとして使用できません。",
                do: "Specify a file that meets the condition of this line.",
                "表示された条件に合うファイルを指定してください。")
        case .wrongMode:
            Advice(
                "A secret must be readable by the kiosk's user, and by nobody else",
                "秘密鍵のファイルは、端末のユーザーだけが読み取れる必要があります。",
                do: "Run chown and chmod 0600 on the file, as this line says.",
                "表示された所有者と権限になるように、chown と chmod 0600 を実行してください。")
        case .noCredential:
            Advice(
                "A systemd credential, readable only in the service", "サービスだけが読み取れる systemd のクレデンシャルです。",
                do: "Run it as the service: `sudo kazashictl doctor` (or status, registration, crl, key show).",
                "sudo kazashictl doctor のように実行してください（status・registration・crl・key show も同様）。")
        }
    }
}
