package import Advice
internal import Certificates
internal import Files
internal import Glibc
internal import HTTPClient
internal import Revocation

/// What an operator is told of a list that was not taken.
package struct ListWords: Sendable {
    package let fault: any Advised
    package let reason: String
    /// 1: the list was refused; 2: there is no such file, or no such URL can be; 3: it could not be told, and may be another time.
    package let exitCode: Int32

    package var code: String { fault.code }
    package var advice: Advice { fault.advice }

    package init(_ error: any Error) {
        switch error {
        case let error as RevocationError:
            (fault, reason) = (error.code, error.reason)
            switch error.code {
            case .storeUnavailable, .storeDamaged: exitCode = 3
            case .crlUnusable, .crlRollback, .crlAhead, .noCRL, .crlStale, .crlScope: exitCode = 1
            }
        case let error as UnreadableList:
            (fault, exitCode) = (SourceFault.unreadable, 2)
            reason = "it cannot be read (\(String(cString: strerror(error.errno))))"
        case ListDownload.Failure.transfer(.unusableRequest):
            (fault, reason, exitCode) = (SourceFault.unusableURL, "it is not a URL that can be fetched", 2)
        case ListDownload.Failure.transfer(let error):
            (fault, reason, exitCode) = (SourceFault.network, Self.words(of: error), 3)
        case ListDownload.Failure.status(let status, _):
            (fault, reason, exitCode) = (SourceFault.network, "the server answered \(status)", 3)
        default:
            (fault, exitCode) = (SourceFault.failed, 3)
            reason = error is CancellationError ? "it was ended from outside" : "it failed for an unknown reason"
        }
    }

    private static func words(of error: HTTPClientError) -> String {
        switch error {
        case .network(let number): "\(words(of: NetworkFault(libcurl: number))) (libcurl \(number))"
        case .timedOut: "the transfer took too long, or stalled"
        case .answerTooLarge: "the answer is longer than a CRL may be"
        case .cancelled, .stopped: "the transfer was ended before it was complete"
        case .unusableRequest: "it is not a URL that can be fetched"
        }
    }

    private static func words(of fault: NetworkFault) -> String {
        switch fault {
        case .unknownHost: "unknown host name"
        case .noConnection: "connection refused, or no network"
        case .untrusted: "the server's certificate is not trusted"
        case .tls: "TLS failed"
        case .broken: "the connection broke"
        case .other: "the connection failed"
        }
    }
}
