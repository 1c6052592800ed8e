/// Everything a patron is ever told. Account problems share one neutral message: never a name, a number or "blocked".
package enum Message: Hashable, Sendable {
    case ready
    case holdStill
    case pleaseWait
    case welcome
    case tryAgain
    case notThisCard
    case seeTheCounter
    case networkError
    /// With a short code that the README explains to staff.
    case outOfService(OutOfServiceCode)
}

/// Short codes of why a kiosk takes no taps.
package enum OutOfServiceCode: String, Hashable, Sendable, CaseIterable {
    case clock = "C1"
    case reader = "R1"
    case cardService = "R2"
    case revocation = "L1"
    case registry = "D1"
    case storage = "D2"
}

/// One message in both languages: row 1 Japanese in half-width katakana, row 2 English.
package struct Phrase: Hashable, Sendable {
    package let japanese: String
    package let english: String

    /// The smallest display: 2×16.
    package static let mostCells = 16
}

extension Message {
    package static let all: [Message] =
        [.ready, .holdStill, .pleaseWait, .welcome, .tryAgain, .notThisCard, .seeTheCounter, .networkError]
        + OutOfServiceCode.allCases.map { .outOfService($0) }

    package var phrase: Phrase {
        switch self {
        case .ready: Phrase(japanese: "ｶｰﾄﾞｦｶｻﾞｼﾃｸﾀﾞｻｲ", english: "Hold your card")
        case .holdStill: Phrase(japanese: "ｳｺﾞｶｻﾅｲﾃﾞｸﾀﾞｻｲ", english: "Hold still")
        case .pleaseWait: Phrase(japanese: "ｼﾊﾞﾗｸｵﾏﾁｸﾀﾞｻｲ", english: "Please wait")
        case .welcome: Phrase(japanese: "ｶｸﾆﾝｼﾏｼﾀ", english: "OK - take card")
        case .tryAgain: Phrase(japanese: "ﾓｳｲﾁﾄﾞｶｻﾞｼﾃｸﾀﾞｻｲ", english: "Please try again")
        case .notThisCard: Phrase(japanese: "ﾁｶﾞｳｶｰﾄﾞﾃﾞｽ", english: "Not this card")
        case .seeTheCounter: Phrase(japanese: "ｶｳﾝﾀｰﾍﾄﾞｳｿﾞ", english: "See the counter")
        case .networkError: Phrase(japanese: "ﾂｳｼﾝｴﾗｰ ｶｳﾝﾀｰﾍ", english: "Network error")
        case .outOfService(let code):
            Phrase(japanese: "ﾘﾖｳﾃﾞｷﾏｾﾝ \(code.rawValue)", english: "Out of order \(code.rawValue)")
        }
    }
}
