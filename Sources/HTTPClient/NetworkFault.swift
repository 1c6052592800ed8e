/// What a number of libcurl's means (libcurl-errors(3)), as far as operators are told different things.
package enum NetworkFault: Sendable {
    case unknownHost
    /// Refused, or no network.
    case noConnection
    /// The server's certificate is not trusted.
    case untrusted
    case tls
    /// The connection broke.
    case broken
    case other

    package init(libcurl number: Int32) {
        self =
            switch number {
            case 6: .unknownHost
            case 7: .noConnection
            case 51, 60, 83, 90, 91: .untrusted
            case 35, 53, 54, 58, 59, 66, 77, 80: .tls
            case 8, 18, 52, 55, 56, 92: .broken
            default: .other
            }
    }
}
