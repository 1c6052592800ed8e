package import Cryptography

/// Authorities that lists may be signed by, made ready once: a folder of partitions asks them thousands of times.
package struct ListAuthorities: Sendable {
    private let authorities: [Authority]

    private struct Authority: Sendable {
        let certificate: X509Certificate
        let name: DistinguishedName
        let subjectKeyIdentifier: [UInt8]?
        /// Keeps the key's table, which halves the time of a signature.
        let key: VerificationKey
        let keyHash: [UInt8]
    }

    /// - Parameter certificates: those whose keys may not sign lists are left out (RFC 5280 6.3.3 (f)).
    package init(_ certificates: [X509Certificate]) {
        authorities = certificates.compactMap { certificate in
            guard (certificate.keyUsage ?? KeyUsage.crlSign) & KeyUsage.crlSign != 0,
                let name = try? DistinguishedName(encoded: certificate.subject[...]),
                let extensions = try? CertificateExtensions(certificate),
                let key = try? VerificationKey(publicKeyInfo: certificate.publicKeyInfo)
            else { return nil }
            return Authority(
                certificate: certificate, name: name, subjectKeyIdentifier: extensions.subjectKeyIdentifier, key: key,
                keyHash: sha256(certificate.publicKeyInfo))
        }
    }

    /// Who signed a list.
    struct Signer {
        let certificate: X509Certificate
        /// SHA-256 of the SubjectPublicKeyInfo.
        let keyHash: [UInt8]
    }

    /// The authority of the list's issuer's name, with the key that the list names, whose signature it is.
    func signer(
        of fields: RevocationListFields, signature: [UInt8], digest: [UInt8], algorithm: SignatureAlgorithm
    ) -> Signer? {
        let match = candidates(of: fields).first {
            (try? $0.key.verify(signature, digest: digest, algorithm: algorithm)) != nil
        }
        return match.map { Signer(certificate: $0.certificate, keyHash: $0.keyHash) }
    }

    /// True when an authority of that name and key may have signed the list under the key that the list's index names.
    func have(issuerKey: [UInt8], of fields: RevocationListFields) -> Bool {
        candidates(of: fields).contains { $0.keyHash == issuerKey }
    }

    private func candidates(of fields: RevocationListFields) -> [Authority] {
        authorities.filter { authority in
            guard authority.name == fields.issuer else { return false }
            guard let wanted = fields.authorityKeyIdentifier, let has = authority.subjectKeyIdentifier else {
                return true
            }
            return wanted == has
        }
    }
}
