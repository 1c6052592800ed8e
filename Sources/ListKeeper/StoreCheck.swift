internal import Certificates
package import Clock
package import Revocation

/// `kazashi crl check`: one certificate against a store, under the issuers that its lists were taken under.
package struct StoreCheck: Sendable {
    package let store: RevocationStore
    package var time: TrustedTime
    /// Seconds.
    package var maxAge: Int64?

    package init(store: RevocationStore, time: TrustedTime, maxAge: Int64?) {
        (self.store, self.time, self.maxAge) = (store, time, maxAge)
    }

    /// - Parameter certificate: DER.
    package func run(_ certificate: [UInt8]) -> CertificateCheck.Answer {
        let contents = store.open()
        let damaged = contents.problems.first { $0.error.code == .storeDamaged }?.error
        let issuers = store.issuers()
        guard !issuers.isEmpty else {
            return .init(damaged ?? RevocationError(.noCRL, "the store holds no list"))
        }
        do throws(CertificateError) {
            let anchors = try TrustAnchors(issuers)
            let validated = try anchors.validate(
                UnverifiedCertificate(der: certificate), requirements: CertificateRequirements(), at: time)
            return CertificateCheck.Answer(
                of: RevocationLists(contents.lists).check(validated, anchors: anchors, maxAge: maxAge), broken: damaged)
        } catch {
            // Whether a certificate of another issuer is good, this store can't tell.
            guard error.code == .noPath else { return .init(error) }
            return .init(RevocationError(.noCRL, "the store holds no list of the certificate's issuer"))
        }
    }
}
