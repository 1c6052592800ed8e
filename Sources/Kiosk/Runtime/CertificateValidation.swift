internal import Certificates
internal import Clock
internal import Login
internal import Revocation

/// Path and revocation of a card's certificate, away from the runtime: the card signs meanwhile.
enum CertificateValidation {
    enum Result: Sendable {
        case good(ValidatedCertificate, GoodRevocation)
        case bad(Fact.Validation)
        /// An index is not as it was written: nothing can be told, and the lists are to be taken again.
        case damaged
    }

    @concurrent
    static func run(
        _ certificate: UnverifiedCertificate, anchors: TrustAnchors, requirements: CertificateRequirements,
        lists: RevocationLists, maxAge: Int64, at time: TrustedTime
    ) async -> Result {
        let validated: ValidatedCertificate
        do throws(CertificateError) {
            validated = try anchors.validate(certificate, requirements: requirements, at: time)
        } catch {
            return .bad(error.code == .expired ? .expired : .untrusted)
        }
        switch lists.check(validated, anchors: anchors, maxAge: maxAge) {
        case .good(let good): return .good(validated, good)
        case .revoked: return .bad(.revoked)
        case .undetermined(let error): return error.code == .storeDamaged ? .damaged : .bad(.undetermined)
        }
    }
}
