/// Everything a patron is ever told. Account problems share one neutral message: never a name, a number or "blocked".
package enum Message: Hashable, Sendable {
    case ready
    case holdStill
    case pleaseWait
    case welcome
    case takeCard
    case tryAgain
    /// A chip answered, and not well: thick cases and stacked cards do that.
    case tryWithoutCase
    case notThisCard
    case seeTheCounter
    case networkError
    /// With a short code that the README explains to staff.
    case outOfService(OutOfServiceCode)
    /// Nobody is behind the panel any more.
    case stopped

    package static let all: [Message] =
        [
            .ready, .holdStill, .pleaseWait, .welcome, .takeCard, .tryAgain, .tryWithoutCase, .notThisCard,
            .seeTheCounter, .networkError, .stopped,
        ] + OutOfServiceCode.allCases.map { .outOfService($0) }

    /// For people who make tables and pictures of it.
    package var name: String {
        switch self {
        case .ready: "ready"
        case .holdStill: "hold-still"
        case .pleaseWait: "please-wait"
        case .welcome: "welcome"
        case .takeCard: "take-card"
        case .tryAgain: "try-again"
        case .tryWithoutCase: "try-without-case"
        case .notThisCard: "not-this-card"
        case .seeTheCounter: "see-the-counter"
        case .networkError: "network-error"
        case .stopped: "stopped"
        case .outOfService(let code): "out-of-service-\(code.rawValue.lowercased())"
        }
    }
}

/// Short codes of why a kiosk takes no taps.
package enum OutOfServiceCode: String, Hashable, Sendable, CaseIterable {
    /// Settings (設定).
    case configuration = "S1"
    case clock = "C1"
    case reader = "R1"
    case cardService = "R2"
    case revocation = "L1"
    case registry = "D1"
    case storage = "D2"
}

/// The words of a message, in half-width katakana and English.
package enum Phrase: Hashable, Sendable {
    /// A row in each language.
    case rows(japanese: String, english: String)
    /// Two rows in one language, then in the other.
    case turns(japanese: [String], english: [String])

    /// The smallest display: 2×16.
    package static let mostCells = 16

    package var texts: [String] {
        switch self {
        case .rows(let japanese, let english): [japanese, english]
        case .turns(let japanese, let english): japanese + english
        }
    }
}

extension Message {
    package var phrase: Phrase {
        switch self {
        case .ready:
            .turns(japanese: ["ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ", "ｶｻﾞｼﾃｸﾀﾞｻｲ"], english: ["My Number Card", "Hold here"])
        case .holdStill: .rows(japanese: "ｳｺﾞｶｻﾅｲﾃﾞｸﾀﾞｻｲ", english: "Hold still")
        case .pleaseWait: .rows(japanese: "ｼﾊﾞﾗｸｵﾏﾁｸﾀﾞｻｲ", english: "Please wait")
        case .welcome: .rows(japanese: "ｶｸﾆﾝｼﾏｼﾀ", english: "OK - take card")
        case .takeCard: .rows(japanese: "ｶｰﾄﾞｦｵﾄﾘｸﾀﾞｻｲ", english: "Take your card")
        case .tryAgain: .rows(japanese: "ﾓｳｲﾁﾄﾞｶｻﾞｼﾃｸﾀﾞｻｲ", english: "Please try again")
        case .tryWithoutCase: .rows(japanese: "ｹｰｽｶﾗﾀﾞｼﾃ ﾓｳｲﾁﾄﾞ", english: "Try without case")
        case .notThisCard: .rows(japanese: "ﾁｶﾞｳｶｰﾄﾞﾃﾞｽ", english: "Not this card")
        case .seeTheCounter: .rows(japanese: "ｶｳﾝﾀｰﾍﾄﾞｳｿﾞ", english: "See the counter")
        case .networkError: .rows(japanese: "ﾂｳｼﾝｴﾗｰ ｶｳﾝﾀｰﾍ", english: "Network error")
        case .stopped: .rows(japanese: "ﾘﾖｳﾃﾞｷﾏｾﾝ", english: "Out of service")
        case .outOfService(let code):
            .rows(japanese: "ﾘﾖｳﾃﾞｷﾏｾﾝ \(code.rawValue)", english: "Out of order \(code.rawValue)")
        }
    }
}
