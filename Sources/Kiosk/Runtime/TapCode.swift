package import Login
package import Panel

/// Every code of a tap, with what it means and what staff can do. The README's table is made of it.
package struct TapCode: Sendable {
    package let code: String
    package let message: Message
    package let advice: TapAdvice

    package init(_ refusal: Refusal) { self.init(.refused(refusal)) }

    package init(_ outcome: Outcome) {
        code = outcome.code
        message = Face.outcome(outcome).message
        advice =
            switch outcome {
            case .welcomed: .ok
            case .refused(let refusal):
                switch refusal {
                case .notThisCard: .notThisCard
                case .cardPulled: .cardPulled
                case .cardError: .cardError
                case .cardTimeout: .cardTimeout
                case .unregistered: .unregistered
                case .untrusted: .untrusted
                case .expired: .expired
                case .revoked: .revoked
                case .undetermined: .undetermined
                case .suspended: .suspended
                case .cardKeyUnknown: .cardKeyUnknown
                case .notProven: .notProven
                case .triesLow: .triesLow
                case .birthDateRefused: .birthDateRefused
                case .libraryUnreachable: .libraryUnreachable
                case .libraryRefused: .libraryRefused
                case .tooSoon: .tooSoon
                case .outOfService: .outOfService
                }
            }
    }

    /// In the order in which the first that applies is told.
    package static let all: [TapCode] = [TapCode(.welcomed)] + Refusal.allCases.map { TapCode($0) }
}
