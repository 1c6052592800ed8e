package import HTTPClient
internal import JOSE
package import SecurityEvents

/// A library that receives tokens: configuration, resolved.
package struct Library: Sendable {
    package let name: String
    /// `aud`.
    package let audience: String
    package let endpoint: Endpoint
    /// A tap is welcomed only when every required library that the registration names has acknowledged.
    package let isRequired: Bool
    package let suite: Suite
    /// Whether it is told when the kiosk is out of service.
    package let hearsOfOutages: Bool
    /// The files that the suite's keys are in.
    package let keyFiles: [String]
    /// Reads the suite's keys again, for a library that has new ones; nil when that fails.
    package let reread: @Sendable () -> Suite?

    package init(
        name: String, audience: String, endpoint: Endpoint, isRequired: Bool = true, suite: Suite,
        hearsOfOutages: Bool = false, keyFiles: [String] = [], reread: @escaping @Sendable () -> Suite? = { nil }
    ) {
        (self.name, self.audience, self.endpoint) = (name, audience, endpoint)
        (self.isRequired, self.suite, self.hearsOfOutages) = (isRequired, suite, hearsOfOutages)
        (self.keyFiles, self.reread) = (keyFiles, reread)
    }
}

/// Where tokens go, and what makes an answer from there believable.
package enum Endpoint: Sendable {
    /// TLS with the server's name checked: whoever answers is the library.
    case https(url: String, tls: TLSOptions)
    /// Plain HTTP to this machine.
    case loopback(url: String)
    /// Plain HTTP over a network: only an acknowledgement token says who answers.
    case plainHTTP(url: String)
    /// One token a datagram; only an acknowledgement token counts.
    case udp(host: String, port: UInt16)

    /// Whether whoever answers there is the library; elsewhere an answer must prove it.
    package var provesWhoAnswers: Bool {
        switch self {
        case .https, .loopback: true
        case .plainHTTP, .udp: false
        }
    }

    /// Nil for a channel that is not HTTP.
    var http: (url: String, tls: TLSOptions)? {
        switch self {
        case .https(let url, let tls): (url, tls)
        case .loopback(let url), .plainHTTP(let url): (url, TLSOptions())
        case .udp: nil
        }
    }
}

/// How a delivery ended.
package enum Delivery: Hashable, Sendable {
    case acknowledged
    /// The library said no; what it called it, where that is a name of RFC 8935 or the profile.
    case refused(PushError?)
    /// No answer that counts within the deadline.
    case unreachable

    init(_ answer: VerifiedAcknowledgement.Answer) {
        switch answer {
        case .taken: self = .acknowledged
        case .refused(let error): self = .refused(error)
        }
    }
}

/// Why a tap has no tokens.
package enum AnnouncementError: Error, Sendable, Equatable, CustomStringConvertible {
    case token(TokenError)
    /// The registration names none of the configured libraries.
    case noLibrary

    package var description: String {
        switch self {
        case .token(let error): error.rawValue
        case .noLibrary: "no_library"
        }
    }
}
