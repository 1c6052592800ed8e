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
    /// 1: the list was refused; 2: there is no such file, or no such URL can be; 3: it could not be told, and may be another time.
    package let exitCode: Int32

    /// Of every error that has words of its own.
    package static let all: [ListWords] = {
        let refused = [CheckCode.crlUnusable, .crlRollback, .crlAhead, .storeUnavailable, .storeDamaged]
        let others: [any Error] = [
            UnreadableList(file: "", errno: ENOENT), ListDownload.Failure.transfer(.unusableRequest),
            ListDownload.Failure.status(500, retryAfter: nil),
        ]
        return (refused.map { TrustError($0, "") } + others).map { ListWords($0) }
    }()

    package init(_ error: any Error) {
        switch error {
        case let error as TrustError:
            (code, reason) = (error.code.rawValue, error.reason)
            switch error.code {
            case .crlRollback: (meaning, advice, exitCode) = ("a list is older than what was seen", .listRollback, 1)
            case .crlAhead: (meaning, advice, exitCode) = ("a list lies ahead of the clock", .listOfFuture, 1)
            case .storeUnavailable:
                (meaning, advice, exitCode) = ("the store of lists can't be read or written", .storeUnavailable, 3)
            case .storeDamaged: (meaning, advice, exitCode) = ("an index of the store is damaged", .storeDamaged, 3)
            default: (meaning, advice, exitCode) = ("a list's form, a rule or its signature", .listRefused, 1)
            }
        case let error as UnreadableList:
            (code, reason) = ("unreadable", "it can not be read (\(String(cString: strerror(error.errno))))")
            (meaning, advice, exitCode) = ("a file of lists can't be read", .certificateFile, 2)
        case ListDownload.Failure.transfer(.unusableRequest):
            (code, reason) = ("unusable_url", "it is no URL that can be fetched")
            (meaning, advice, exitCode) = ("a URL of lists can't be used", .listURL, 2)
        case ListDownload.Failure.transfer(let error):
            self = .network(Self.words(of: error))
        case ListDownload.Failure.status(let status, _):
            self = .network("the server answered \(status)")
        default:
            (code, meaning) = ("failed", "an import failed")
            reason = error is CancellationError ? "it was ended from outside" : "it failed, and nothing says why"
            (advice, exitCode) = (.listRefused, 3)
        }
    }

    private init(code: String, meaning: String, reason: String, advice: OperatorAdvice, exitCode: Int32) {
        (self.code, self.meaning, self.reason) = (code, meaning, reason)
        (self.advice, self.exitCode) = (advice, exitCode)
    }

    private static func words(of error: HTTPClientError) -> String {
        switch error {
        case .network(let number): "\(words(ofLibcurl: number)) (libcurl \(number))"
        case .timedOut: "the transfer took too long, or stood still"
        case .answerTooLarge: "the answer is longer than a list may be"
        case .cancelled, .stopped: "the transfer was ended from here"
        case .unusableRequest: "it is no URL that can be fetched"
        }
    }

    /// Its error codes, libcurl-errors(3).
    private static func words(ofLibcurl number: Int32) -> String {
        switch number {
        case 6: "the server's name is not known"
        case 7: "nobody listens there, or the network is away"
        case 51, 60, 83, 90, 91: "the server's certificate is not believed"
        case 35, 53, 54, 58, 59, 66, 77, 80: "TLS failed"
        case 8, 18, 52, 55, 56, 92: "the connection broke"
        default: "the connection failed"
        }
    }

    private static func network(_ reason: String) -> ListWords {
        ListWords(
            code: "network", meaning: "a list could not be fetched", reason: reason, advice: .listNetwork, exitCode: 3)
    }
}
