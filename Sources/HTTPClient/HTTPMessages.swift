/// One request. Redirects are never followed and no proxy of the environment is used.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST", options = "OPTIONS" }

    package var method: Method
    package var url: String
    /// `Name: value`.
    package var headers: [String]
    package var body: [UInt8]
    /// Until there is a connection, the name service's answer included.
    package var connectTimeout: Duration
    /// From the start to the end of the answer.
    package var timeout: Duration
    /// Nothing leaves after it, and what is answered after it is `timedOut`; nil: only `timeout` counts.
    package var deadline: ContinuousClock.Instant?
    /// Without a thousand bytes a second for so long it is `timedOut`; nil: only `timeout` counts.
    package var stall: Duration?
    /// Bytes of an answer's body that are taken; more is an error where the body counts, and cut off where not.
    package var most: Int
    /// The statuses of which the body counts; nil: all.
    package var bodyCounts: Set<Int>?
    package var tls: TLSOptions

    package init(
        _ method: Method, _ url: String, headers: [String] = [], body: [UInt8] = [],
        connectTimeout: Duration = .seconds(1), timeout: Duration = .seconds(2), stall: Duration? = nil,
        most: Int = 4_096, tls: TLSOptions = TLSOptions()
    ) {
        (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
        (self.connectTimeout, self.timeout, self.stall) = (connectTimeout, timeout, stall)
        (self.most, self.tls) = (most, tls)
    }
}

/// Files for TLS; the server's name is always checked, TLS 1.2 is the least.
package struct TLSOptions: Sendable, Hashable {
    /// PEM of the authorities to believe, and of no others; nil: the system's.
    package var authorities: String?
    package var clientCertificate: String?
    package var clientKey: String?

    package init(authorities: String? = nil, clientCertificate: String? = nil, clientKey: String? = nil) {
        (self.authorities, self.clientCertificate, self.clientKey) = (authorities, clientCertificate, clientKey)
    }
}

package struct HTTPResponse: Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]
}

/// Why there is no answer. libcurl's number is kept; its text may name hosts and is not.
package enum HTTPClientError: Error, Equatable, Sendable {
    /// The URL, a file or an option is not usable.
    case unusableRequest
    /// Name, connection, TLS, or the connection's end.
    case network(Int32)
    case timedOut
    case answerTooLarge
    /// The task was cancelled, or whoever was asked before the request left did not let it go.
    case cancelled
    /// Whoever took the body did not want more of it.
    case stopped
}
