internal import Glibc
internal import HTTPClient
package import Panel
internal import Trust

/// What an operator is told of a list that was not taken.
package struct ListWords: Sendable {
    package let code: String
    /// What the code means.
    package let meaning: String
    package let reason: String
    package let advice: OperatorAdvice
    /// 1: the list was refused; 2: there is no such file; 3: it could not be told, and may be another time.
    package let exitCode: Int32

    /// Of every error that has words of its own.
    package static let all: [ListWords] = {
        let refused = [CheckCode.crlUnusable, .crlRollback, .storeUnavailable, .storeDamaged]
        let others: [any Error] = [
            UnreadableList(file: "", errno: ENOENT), ListDownload.Failure.status(500, retryAfter: nil),
        ]
        return (refused.map { TrustError($0, "") } + others).map { ListWords($0) }
    }()

    package init(_ error: any Error) {
        switch error {
        case let error as TrustError:
            (code, reason) = (error.code.rawValue, error.reason)
            switch error.code {
            case .crlRollback: (meaning, advice, exitCode) = ("a list is older than what was seen", .listRollback, 1)
            case .storeUnavailable:
                (meaning, advice, exitCode) = ("the store of lists can't be read or written", .storeUnavailable, 3)
            case .storeDamaged: (meaning, advice, exitCode) = ("an index of the store is damaged", .storeDamaged, 3)
            default: (meaning, advice, exitCode) = ("a list's form, a rule or its signature", .listRefused, 1)
            }
        case let error as UnreadableList:
            (code, reason) = ("unreadable", "it can not be read (\(String(cString: strerror(error.errno))))")
            (meaning, advice, exitCode) = ("a file of lists can't be read", .certificateFile, 2)
        case ListDownload.Failure.transfer(let error):
            self = .network(Self.words(of: error))
        case ListDownload.Failure.status(let status, _):
            self = .network("the server answered \(status)")
        default:
            (code, meaning, reason) = ("failed", "an import failed", "\(error)")
            (advice, exitCode) = (.listRefused, 3)
        }
    }

    private init(code: String, meaning: String, reason: String, advice: OperatorAdvice, exitCode: Int32) {
        (self.code, self.meaning, self.reason) = (code, meaning, reason)
        (self.advice, self.exitCode) = (advice, exitCode)
    }

    private static func words(of error: HTTPClientError) -> String {
        switch error {
        case .network(let number): "name, connection or TLS failed (libcurl's number \(number))"
        case .timedOut: "the transfer took too long, or stood still"
        case .answerTooLarge: "the answer is longer than a list may be"
        default: "the transfer failed (\(error))"
        }
    }

    private static func network(_ reason: String) -> ListWords {
        ListWords(
            code: "network", meaning: "a list could not be fetched", reason: reason, advice: .listNetwork, exitCode: 3)
    }
}
