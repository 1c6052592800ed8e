package import Clock
package import Cryptography
package import TLV

/// A certificate as it came from a card or a file. Nothing about it is believed.
package struct UnverifiedCertificate: Sendable {
    package let der: [UInt8]
    package init(der: [UInt8]) { self.der = der }
}

/// A certificate with a verified path to a pinned anchor, at the time it was asked for. Only `TrustAnchors.validate`
/// makes one. It says nothing about revocation.
package struct ValidatedCertificate: Sendable, CustomStringConvertible {
    /// From the end entity up to, and with, the anchor.
    package let path: [PathElement]
    /// Intermediates that were at hand: a list may be signed under another certificate of the same authority.
    package let intermediates: [X509Certificate]
    package let time: TrustedTime

    fileprivate init(path: [PathElement], intermediates: [X509Certificate], time: TrustedTime) {
        (self.path, self.intermediates, self.time) = (path, intermediates, time)
    }

    package var description: String { "[certificate]" }
}

package struct PathElement: Sendable {
    package let certificate: X509Certificate
    package let subject: DistinguishedName
    package let issuer: DistinguishedName
}

/// What an end entity's certificate must be good for.
package struct CertificateRequirements: Sendable {
    /// One of these must stand in every certificate below the anchor; empty: any will do.
    package var policies: [OID]
    /// SHA-256 of a SubjectPublicKeyInfo, or a subjectKeyIdentifier: never believed, wherever in a path.
    package var denied: Set<[UInt8]>

    package init(policies: [OID] = [], denied: Set<[UInt8]> = []) {
        (self.policies, self.denied) = (policies, denied)
    }
}

/// The authorities that are believed, pinned by configuration. Several may share one name: they are told apart by key.
package final class TrustAnchors: @unchecked Sendable {
    // Mbed TLS only reads this list while it verifies, and it is complete before the first path is searched.
    private let list: X509CertificateList
    package var certificates: [X509Certificate] { list.certificates }

    /// - Parameter certificates: DER.
    /// - Throws: `malformed` when one is no certificate, `constraints` when one is not a CA's.
    package init(_ certificates: [[UInt8]]) throws(CertificateError) {
        list = X509CertificateList()
        for der in certificates {
            let certificate = try Self.append(der, to: list)
            guard certificate.isCA || certificate.version < 3 else {
                throw CertificateError(.constraints, "an anchor is not a CA's certificate")
            }
        }
    }

    /// The certificate and its intermediates in the order in which Mbed TLS can follow them: it looks for an issuer only
    /// among the certificates that come after its subject, and takes the first of the right name, whoever signed.
    private static func candidates(_ certificate: [UInt8], _ intermediates: [[UInt8]]) throws(CertificateError)
        -> X509CertificateList
    {
        let unordered = X509CertificateList()
        var last = try append(certificate, to: unordered)
        // A card's certificate is signed by an anchor itself.
        guard !intermediates.isEmpty else { return unordered }
        var rest: [X509Certificate] = []
        for der in intermediates { rest.append(try append(der, to: unordered)) }
        let ordered = X509CertificateList()
        try append(certificate, to: ordered)
        while let index = rest.firstIndex(where: { $0.subject == last.issuer && hasSigned(last, with: $0) }) {
            last = rest.remove(at: index)
            try append(last.der, to: ordered)
        }
        for other in rest { try append(other.der, to: ordered) }
        return ordered
    }

    @discardableResult
    private static func append(_ der: [UInt8], to list: X509CertificateList) throws(CertificateError) -> X509Certificate
    {
        guard der.count <= Limits.certificate else {
            throw CertificateError(.malformed, "the certificate is longer than \(Limits.certificate) bytes")
        }
        do {
            return try list.append(der, judge: CertificateExtensions.judge)
        } catch {
            // MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE, and what a refused critical extension becomes.
            let isUnknown = error.status == -0x2080 || error.status == -0x2562
            throw isUnknown
                ? CertificateError(.constraints, "a critical extension of the certificate is not understood")
                : CertificateError(
                    .malformed, "not a certificate as RFC 5280 asks: \(error.certificateRule); \(error)")
        }
    }

    /// Searches a path to an anchor and holds it against `requirements` at `time` (RFC 5280 6.1).
    /// - Parameter intermediates: DER, in any order.
    package func validate(
        _ certificate: UnverifiedCertificate, intermediates: [[UInt8]] = [], requirements: CertificateRequirements,
        at time: TrustedTime
    ) throws(CertificateError) -> ValidatedCertificate {
        let candidates = try Self.candidates(certificate.der, intermediates)
        let path: X509Path
        do {
            path = try X509Path.search(from: candidates, to: list)
        } catch {
            throw CertificateError(.noPath, "Mbed TLS could not search a path (\(error))")
        }
        guard path.steps.allSatisfy({ $0.faults.subtracting(.dates).isEmpty }), path.steps.count >= 2 else {
            throw explain(path, candidates: candidates)
        }
        let certificates = path.steps.map(\.certificate)
        for certificate in certificates { try checkDates(of: certificate, at: time) }
        for certificate in certificates.dropLast() {
            let extensions = try CertificateExtensions(certificate)
            try checkPolicies(extensions.policies, requirements)
            try checkDenied(certificate, extensions, requirements)
        }
        if let anchor = certificates.last {
            try checkDenied(anchor, try CertificateExtensions(anchor), requirements)
        }
        if let usage = certificates.first?.keyUsage, usage & KeyUsage.digitalSignature == 0 {
            throw CertificateError(.keyUsage, "the certificate's key may not sign")
        }
        return ValidatedCertificate(
            path: try certificates.map { (certificate) throws(CertificateError) in try PathElement(certificate) },
            intermediates: Array(candidates.certificates.dropFirst()), time: time)
    }

    /// The path of an authority's certificate that signed a list: searched like any other, without an end entity's rules.
    package func validateAuthority(
        _ certificate: X509Certificate, intermediates: [X509Certificate], at time: TrustedTime
    )
        throws(CertificateError) -> [PathElement]
    {
        let candidates = try Self.candidates(
            certificate.der, intermediates.map(\.der).filter { $0 != certificate.der })
        guard let path = try? X509Path.search(from: candidates, to: list), path.steps.count >= 2,
            path.steps.allSatisfy({ $0.faults.subtracting(.dates).isEmpty })
        else { throw CertificateError(.noPath, "no path to an anchor") }
        for step in path.steps { try checkDates(of: step.certificate, at: time) }
        return try path.steps.map { (step) throws(CertificateError) in try PathElement(step.certificate) }
    }

    private func checkDates(of certificate: X509Certificate, at time: TrustedTime) throws(CertificateError) {
        guard let notBefore = certificate.notBefore.secondsSince1970,
            let notAfter = certificate.notAfter.secondsSince1970
        else { throw CertificateError(.malformed, "a date of the certificate is none") }
        guard notBefore <= time.secondsSince1970 else {
            throw CertificateError(.notYetValid, "a certificate of the path is not valid yet")
        }
        guard time.secondsSince1970 <= notAfter else {
            throw CertificateError(.expired, "a certificate of the path has expired")
        }
    }

    private func checkPolicies(_ policies: [[UInt8]], _ requirements: CertificateRequirements) throws(CertificateError)
    {
        guard !requirements.policies.isEmpty else { return }
        let accepted = requirements.policies.map(\.bytes) + [ExtensionID.anyPolicy]
        guard policies.contains(where: accepted.contains) else {
            throw CertificateError(.policy, "a certificate of the path was issued under none of the accepted policies")
        }
    }

    private func checkDenied(
        _ certificate: X509Certificate, _ extensions: CertificateExtensions, _ requirements: CertificateRequirements
    ) throws(CertificateError) {
        guard !requirements.denied.isEmpty else { return }
        let names = [sha256(certificate.publicKeyInfo), extensions.subjectKeyIdentifier].compactMap { $0 }
        guard requirements.denied.isDisjoint(with: names) else {
            throw CertificateError(.noPath, "a key of the path is denied by configuration")
        }
    }

    /// Says why Mbed TLS found no path: it only says that there is none.
    private func explain(_ path: X509Path, candidates: X509CertificateList) -> CertificateError {
        if path.steps.contains(where: { !$0.faults.isDisjoint(with: .weak) }) {
            return CertificateError(.signature, "a signature or key of the path is too weak")
        }
        if path.steps.contains(where: { $0.faults.contains(.keyUsage) }) {
            return CertificateError(.keyUsage, "a key of the path may not sign certificates")
        }
        guard
            let top = path.steps.last(where: { $0.faults.contains(.notTrusted) })?.certificate
                ?? path.steps.last?.certificate,
            let issuer = try? DistinguishedName(encoded: top.issuer[...])
        else { return CertificateError(.noPath, "no path to an anchor") }
        let authorities = (certificates + candidates.certificates).filter {
            (try? DistinguishedName(encoded: $0.subject[...])) == issuer && $0.der != top.der
        }
        guard !authorities.isEmpty else {
            return CertificateError(.noPath, "no anchor or intermediate bears the issuer's name")
        }
        let signers = authorities.filter { Self.hasSigned(top, with: $0) }
        if signers.isEmpty {
            return CertificateError(.signature, "no authority of the issuer's name signed the certificate")
        }
        if signers.allSatisfy({ !$0.isCA }) { return CertificateError(.constraints, "the issuer is not a CA") }
        if signers.allSatisfy({ ($0.keyUsage ?? KeyUsage.keyCertSign) & KeyUsage.keyCertSign == 0 }) {
            return CertificateError(.keyUsage, "the issuer's key may not sign certificates")
        }
        return CertificateError(.noPath, "the path ends at no anchor, or is longer than an authority allows")
    }

    private static func hasSigned(_ certificate: X509Certificate, with issuer: X509Certificate) -> Bool {
        do {
            var fields = try TLVElement.only(.sequence, in: certificate.der[...], rules: .der).reader(rules: .der)
            let signed = try fields.next(.sequence).encoded
            var algorithm = try fields.next(.sequence).reader(rules: .der)
            let signature = try fields.next().octetsOfBitString()
            guard let kind = SignatureAlgorithm(oid: try algorithm.next().objectIdentifier().bytes) else {
                return false
            }
            try VerificationKey(publicKeyInfo: issuer.publicKeyInfo).verify(
                Array(signature), digest: kind.digest.hash(signed), algorithm: kind)
            return true
        } catch {
            return false
        }
    }
}

extension PathElement {
    package init(_ certificate: X509Certificate) throws(CertificateError) {
        do {
            self.certificate = certificate
            subject = try DistinguishedName(encoded: certificate.subject[...])
            issuer = try DistinguishedName(encoded: certificate.issuer[...])
        } catch {
            throw CertificateError(.malformed, "a name of the certificate is not as RFC 5280 4.1.2.4 asks: \(error)")
        }
    }
}

extension CertificateTime {
    /// Nil when the date is none.
    package var secondsSince1970: Int64? {
        CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second).secondsSince1970
    }
}
