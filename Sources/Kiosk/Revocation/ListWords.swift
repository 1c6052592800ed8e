internal import Glibc
package import Panel
internal import Trust

/// What an operator is told of a list that was not taken.
package struct ListWords: Sendable {
    package let code: String
    package let reason: String
    package let advice: OperatorAdvice
    /// 1: the list was refused; 2: there is no such file; 3: it could not be told, and may be another time.
    package let exitCode: Int32

    package init(_ error: any Error) {
        switch error {
        case let error as TrustError:
            (code, reason) = (error.code.rawValue, error.reason)
            switch error.code {
            case .crlRollback: (advice, exitCode) = (.listRollback, 1)
            case .storeUnavailable: (advice, exitCode) = (.storeUnavailable, 3)
            case .storeDamaged: (advice, exitCode) = (.storeDamaged, 3)
            default: (advice, exitCode) = (.listRefused, 1)
            }
        case let error as UnreadableList:
            (code, reason) = ("unreadable", "it can not be read (\(String(cString: strerror(error.errno))))")
            (advice, exitCode) = (.certificateFile, 2)
        case ListDownload.Failure.transfer(let error):
            (code, reason, advice, exitCode) = ("network", "the transfer failed (\(error))", .listNetwork, 3)
        case ListDownload.Failure.status(let status, _):
            (code, reason, advice, exitCode) = ("network", "the server answered \(status)", .listNetwork, 3)
        default: (code, reason, advice, exitCode) = ("failed", "\(error)", .listRefused, 3)
        }
    }
}
