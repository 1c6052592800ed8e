package import Panel

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

    package var description: String { "\(seen)\n  \(advice.english)\n  \(advice.japanese)" }

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

    package var advice: OperatorAdvice {
        switch kind {
        case .unreadable: .fileUnreadable
        case .notTOML: .notTOML
        case .unknownKey: .unknownKey
        case .missingKey: .missingKey
        case .wrongValue: .wrongValue
        case .badKey: .badKey
        case .wrongMode: .wrongMode
        case .noCredential: .noCredential
        }
    }
}
