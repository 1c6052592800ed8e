internal import Certificates
package import Cryptography

/// Authorities that lists may be signed by, made ready once: a folder of partitions asks them thousands of times.
package struct ListAuthorities: Sendable {
    private let authorities: [Authority]

    private struct Authority: Sendable {
        let certificate: X509Certificate
        let signer: ListSigner
        /// Keeps the key's table, which halves the time of a signature.
        let key: VerificationKey
    }

    /// - Parameter certificates: those whose keys may not sign lists are left out.
    package init(_ certificates: [X509Certificate]) {
        authorities = certificates.compactMap { certificate in
            guard let signer = ListSigner(certificate),
                let key = try? VerificationKey(publicKeyInfo: certificate.publicKeyInfo)
            else { return nil }
            return Authority(certificate: certificate, signer: signer, key: key)
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
        let match = authorities.first {
            $0.signer.mayHaveSigned(fields)
                && (try? $0.key.verify(signature, digest: digest, algorithm: algorithm)) != nil
        }
        return match.map { Signer(certificate: $0.certificate, keyHash: $0.signer.keyHash) }
    }
}

/// A certificate as the issuer of lists: its name and its key's identity. Its signatures are another matter.
struct ListSigner: Sendable {
    private let name: DistinguishedName
    private let subjectKeyIdentifier: [UInt8]?
    /// SHA-256 of the SubjectPublicKeyInfo.
    let keyHash: [UInt8]

    /// Nil when its key may not sign lists (RFC 5280 6.3.3 (f)).
    init?(_ certificate: X509Certificate) {
        guard (certificate.keyUsage ?? KeyUsage.crlSign) & KeyUsage.crlSign != 0,
            let name = try? DistinguishedName(encoded: certificate.subject[...]),
            let extensions = try? CertificateExtensions(certificate)
        else { return nil }
        (self.name, subjectKeyIdentifier) = (name, extensions.subjectKeyIdentifier)
        keyHash = sha256(certificate.publicKeyInfo)
    }

    /// The list bears its name, and names its key or none.
    func mayHaveSigned(_ fields: RevocationListFields) -> Bool {
        guard name == fields.issuer else { return false }
        guard let wanted = fields.authorityKeyIdentifier, let has = subjectKeyIdentifier else { return true }
        return wanted == has
    }
}
