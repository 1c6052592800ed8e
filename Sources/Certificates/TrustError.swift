/// Why a certificate is not believed, or why nobody can tell (the codes of `kazashi check`).
package enum CheckCode: String, Sendable, CaseIterable {
    case good
    case revoked
    // Undetermined.
    case noCRL = "no_crl"
    case crlStale = "crl_stale"
    case crlUnusable = "crl_unusable"
    case crlScope = "crl_scope"
    // Of imports only.
    case crlRollback = "crl_rollback"
    case crlAhead = "crl_ahead"
    case storeUnavailable = "store_unavailable"
    case storeDamaged = "store_damaged"
    // Untrusted.
    case noPath = "no_path"
    case signature
    case expired
    case notYetValid = "not_yet_valid"
    case keyUsage = "key_usage"
    case policy
    case constraints
    case malformed

    package var verdict: CheckVerdict {
        switch self {
        case .good: .good
        case .revoked: .revoked
        case .noCRL, .crlStale, .crlUnusable, .crlScope, .crlRollback, .crlAhead, .storeUnavailable, .storeDamaged:
            .undetermined
        case .noPath, .signature, .expired, .notYetValid, .keyUsage, .policy, .constraints, .malformed: .untrusted
        }
    }
}

/// The outcomes of a check, worst first.
package enum CheckVerdict: String, Sendable { case untrusted, revoked, undetermined, good }

/// A certificate or list that is refused, with the code and words for an operator. It names files and rules, never a
/// subject or a serial.
package struct TrustError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: CheckCode
    package let reason: String

    package init(_ code: CheckCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "\(code.rawValue): \(reason)" }
}
