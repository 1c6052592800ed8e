/// A configuration that can't be used: where, what, and what to do. Secrets and identities are never quoted.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case unreadable, notTOML, unknownKey, missingKey, wrongValue, badKey, wrongMode, notBuilt
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

    package var description: String {
        let place =
            switch place {
            case .whole: file
            case .line(let line): "\(file):\(line)"
            case .key(let key): "\(file): \(key)"
            }
        return "\(place): \(problem)\n  \(kind.cure.english)\n  \(kind.cure.japanese)"
    }
}

extension ConfigurationError.Kind {
    /// What to do, for whoever edits the file.
    var cure: (english: String, japanese: String) {
        switch self {
        case .unreadable: ("Check the path and the rights of the file.", "ファイルの場所と権限を確認してください。")
        case .notTOML: ("Mend the line; the file is TOML 1.0.", "この行を TOML 1.0 として直してください。")
        case .unknownKey:
            ("Remove the key or mend its spelling; the README lists all keys.", "キーを削除するか綴りを直してください（README に一覧があります）。")
        case .missingKey: ("Add the key; the README shows an example.", "キーを追加してください（README に例があります）。")
        case .wrongValue: ("Give a value of the kind that is asked for.", "求められている形式の値にしてください。")
        case .badKey: ("Give a file that holds such a key, certificate or list.", "正しい鍵・証明書のファイルを指定してください。")
        case .wrongMode: ("Run chmod 0600 on the file: nobody else may read it.", "chmod 0600 で所有者だけが読めるようにしてください。")
        case .notBuilt: ("Use what the README's limits name instead.", "README の制限事項にある代わりの方法を使ってください。")
        }
    }
}
