internal import CLinux
internal import Cryptography
internal import Glibc

/// A CRL whose form was checked and whose signature was not.
package struct UnverifiedRevocationList: Sendable {
    let fields: RevocationListFields
    private let serials: SerialCollector
    let digest: [UInt8]
    private let algorithm: SignatureAlgorithm
    private let signature: [UInt8]

    init(
        fields: RevocationListFields, serials: SerialCollector, digest: [UInt8], algorithm: SignatureAlgorithm,
        signature: [UInt8]
    ) {
        (self.fields, self.serials) = (fields, serials)
        (self.digest, self.algorithm, self.signature) = (digest, algorithm, signature)
    }

    /// From a list in memory.
    /// - Throws: `crlUnusable`.
    package init(der: [UInt8], scratch: ScratchFolder = .temporary) throws(TrustError) {
        var walk = RevocationListWalk(scratch: scratch, engine: .mbedTLS)
        _ = try der.span.bytes.withUnsafeBytes { bytes throws(TrustError) in try walk.take(bytes) }
        self = try walk.finish()
    }

    /// The one of `authorities` whose key made the signature: of the list's issuer's name, with a key that may sign lists
    /// and that fits the list's key identifier (RFC 5280 6.3.3 (f) and (g)).
    func signer(among authorities: [X509Certificate]) -> X509Certificate? {
        authorities.first { authority in
            guard fields.mayBeSigned(by: authority),
                let key = try? VerificationKey(publicKeyInfo: authority.publicKeyInfo)
            else { return false }
            return (try? key.verify(signature, digest: digest, algorithm: algorithm)) != nil
        }
    }

    /// Writes the list's index to a file.
    func writeIndex(to descriptor: Int32, signer: X509Certificate) throws(TrustError) {
        let about = IndexAbout(fields: fields, issuerKey: sha256(signer.publicKeyInfo), digest: digest)
        do {
            try serials.writeIndex(to: descriptor, about: about)
        } catch let error as TrustError {
            throw error
        } catch {
            throw TrustError(.storeUnavailable, "the index can not be written (\(error))")
        }
    }

    /// The list under the authority that signed it, with an index in memory.
    /// - Throws: `crlUnusable` when none of `authorities` did.
    func verified(under authorities: [X509Certificate]) throws(TrustError) -> RevocationList {
        guard let signer = signer(among: authorities) else {
            throw TrustError(.crlUnusable, "the list's signature is by no authority at hand")
        }
        let descriptor = kz_open_memory("kazashi-index")
        guard descriptor >= 0 else {
            throw TrustError(.storeUnavailable, "no memory for an index (\(systemError()))")
        }
        defer { close(descriptor) }
        try writeIndex(to: descriptor, signer: signer)
        return RevocationList(index: try RevocationIndex(descriptor: descriptor))
    }
}

extension SerialCollector {
    fileprivate func writeIndex(to descriptor: Int32, about: IndexAbout) throws {
        let release = RevocationReason.removeFromCRL
        if about.fields.baseNumber == nil, reasons.contains(UInt64(release.rawValue)) {
            throw refusal("removeFromCRL stands in a list that is no delta")
        }
        var writer = IndexWriter(to: descriptor, about: about, reasons: reasons)
        try drain({ try writer.append($0) }, { try writer.append($0) })
        try writer.finish()
    }
}

extension RevocationListFields {
    /// Name, key usage and key identifier fit; the signature was not looked at.
    func mayBeSigned(by authority: X509Certificate) -> Bool {
        guard (try? DistinguishedName(encoded: authority.subject[...])) == issuer,
            (authority.keyUsage ?? KeyUsage.crlSign) & KeyUsage.crlSign != 0,
            let extensions = try? CertificateExtensions(authority)
        else { return false }
        guard let wanted = authorityKeyIdentifier, let has = extensions.subjectKeyIdentifier else { return true }
        return wanted == has
    }
}

/// A CRL whose signature verified under a key that its index names. It says nothing about whether that key is to be
/// believed: `RevocationLists.check` asks the certificate's path.
package struct RevocationList: Sendable {
    package let index: RevocationIndex
    var fields: RevocationListFields { index.about.fields }

    /// Seconds since 1970.
    package var thisUpdate: Int64 { fields.thisUpdate }
    package var nextUpdate: Int64 { fields.nextUpdate }
    /// SHA-256 of the signer's SubjectPublicKeyInfo.
    package var issuerKey: [UInt8] { index.about.issuerKey }
    package var isDelta: Bool { fields.baseNumber != nil }

    init(index: RevocationIndex) { self.index = index }

    package func isFresh(at time: TrustedTime, maxAge: Int64?) -> Bool {
        let now = time.secondsSince1970
        return thisUpdate <= now && now < nextUpdate && (maxAge.map { now - thisUpdate <= $0 } ?? true)
    }
}
