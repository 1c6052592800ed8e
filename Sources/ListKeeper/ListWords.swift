internal import Files
internal import Glibc
internal import HTTPClient
package import Advice
internal import Certificates
internal import Revocation

/// What an operator is told of a list that was not taken.
package struct ListWords: Sendable {
    package let code: String
    /// What the code means.
    package let meaning: String
    package let reason: String
    package let advice: Words
    /// 1: the list was refused; 2: there is no such file, or no such URL can be; 3: it could not be told, and may be another time.
    package let exitCode: Int32

    /// Of every error that has words of its own.
    package static let all: [ListWords] = {
        let refused = [RevocationError.Code.crlUnusable, .crlRollback, .crlAhead, .storeUnavailable, .storeDamaged]
        let others: [any Error] = [
            UnreadableList(file: "", errno: ENOENT), ListDownload.Failure.transfer(.unusableRequest),
            ListDownload.Failure.status(500, retryAfter: nil),
        ]
        return (refused.map { RevocationError($0, "") } + others).map { ListWords($0) }
    }()

    package init(_ error: any Error) {
        switch error {
        case let error as RevocationError:
            (code, reason) = (error.code.rawValue, error.reason)
            switch error.code {
            case .crlRollback:
                (meaning, advice, exitCode) = (
                    "a list is older than what was seen",
                    Words(
                        "An older list, or another one of the same number, is never taken. Get the newest list from its authority.",
                        "古いリスト、または番号が同じ別のリストは使いません。発行元から最新のリストを取得してください。"), 1
                )
            case .crlAhead:
                (meaning, advice, exitCode) = (
                    "a list lies ahead of the clock",
                    Words(
                        "Look at the clock: if it is wrong, set it and give the list again; if it is right, ask the list's authority.",
                        "時計が違う場合は合わせてから、もう一度取り込んでください。時計が正しければ、リストの発行元に確認してください。"), 1
                )
            case .storeUnavailable:
                (meaning, advice, exitCode) = (
                    "the store of lists can't be read or written",
                    Words(
                        "The list that was served is served still. Make room on the disk, and check that the state folder can be "
                            + "written.", "これまでの失効リストを使い続けます。ディスクの空きと、state フォルダーの書き込み権限を確認してください。"), 3
                )
            case .storeDamaged:
                (meaning, advice, exitCode) = (
                    "an index of the store is damaged",
                    Words(
                        "The index is made anew from its source. If this comes again, check the disk.",
                        "索引は元のリストから作り直します。繰り返す場合はディスクを確認してください。"), 3
                )
            default:
                (meaning, advice, exitCode) = (
                    "a list's form, a rule or its signature",
                    Words(
                        "The list that was served is served still. Get the list again from its authority; check that its issuer "
                            + "is among the anchors.", "これまでの失効リストを使い続けます。発行元から取り直し、発行者の証明書が設定にあるか確認してください。"), 1
                )
            }
        case let error as UnreadableList:
            (code, reason) = ("unreadable", "it can not be read (\(String(cString: strerror(error.errno))))")
            (meaning, advice, exitCode) = (
                "a file of lists can't be read",
                Words("Check the path; certificates and lists are PEM or DER.", "ファイルの場所と形式（PEM か DER）を確認してください。"), 2
            )
        case ListDownload.Failure.transfer(.unusableRequest):
            (code, reason) = ("unusable_url", "it is no URL that can be fetched")
            (meaning, advice, exitCode) = (
                "a URL of lists can't be used",
                Words(
                    "Write it as http://HOST/PATH or https://HOST/PATH; an IPv6 address stands in [ ].",
                    "http://ホスト/パス か https://ホスト/パス の形で指定してください（IPv6 アドレスは [ ] で囲みます）。"), 2
            )
        case ListDownload.Failure.transfer(let error):
            self = .network(Self.words(of: error))
        case ListDownload.Failure.status(let status, _):
            self = .network("the server answered \(status)")
        default:
            (code, meaning) = ("failed", "an import failed")
            reason = error is CancellationError ? "it was ended from outside" : "it failed, and nothing says why"
            (advice, exitCode) = (
                Words(
                    "The list that was served is served still. Get the list again from its authority; check that its issuer "
                        + "is among the anchors.", "これまでの失効リストを使い続けます。発行元から取り直し、発行者の証明書が設定にあるか確認してください。"), 3
            )
        }
    }

    private init(code: String, meaning: String, reason: String, advice: Words, exitCode: Int32) {
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
            code: "network", meaning: "a list could not be fetched", reason: reason,
            advice: Words(
                "It is tried again by itself; the list that was served is served still. Check the network and the URL.",
                "自動で再試行します（これまでの失効リストを使い続けます）。ネットワークと URL を確認してください。"), exitCode: 3)
    }
}
