internal import CLinux
internal import Certificates
package import Clock
internal import Cryptography
package import Files
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
    package init(der: [UInt8], scratch: ScratchFolder = .temporary) throws(RevocationError) {
        var walk = RevocationListWalk(scratch: scratch, engine: .mbedTLS)
        _ = try der.span.bytes.withUnsafeBytes { bytes throws(RevocationError) in try walk.take(bytes) }
        self = try walk.finish()
    }

    /// The one of `authorities` whose key made the signature.
    func signer(among authorities: ListAuthorities) -> ListAuthorities.Signer? {
        authorities.signer(of: fields, signature: signature, digest: digest, algorithm: algorithm)
    }

    /// Writes the list's index to a file.
    /// - Returns: its entries.
    func writeIndex(to descriptor: Int32, issuerKey: [UInt8]) throws(RevocationError) -> Int {
        let about = IndexAbout(fields: fields, issuerKey: issuerKey, digest: digest)
        var writer = IndexWriter(to: descriptor, about: about, reasons: serials.codes)
        try serials.narrow.drain { (records) throws(RevocationError) in try writer.append(records) }
        try serials.wide.drain { (records) throws(RevocationError) in try writer.append(records) }
        try writer.finish()
        return writer.count
    }

    /// The list under the authority that signed it, with an index in memory; nil when none of `authorities` did.
    /// - Throws: `storeUnavailable`, `storeDamaged`.
    func verifiedIfSigned(under authorities: ListAuthorities) throws(RevocationError) -> RevocationList? {
        guard let signer = signer(among: authorities) else { return nil }
        let descriptor = kz_open_memory("kazashi-index")
        guard descriptor >= 0 else {
            throw RevocationError(.storeUnavailable, "no memory for an index (\(systemError()))")
        }
        defer { close(descriptor) }
        _ = try writeIndex(to: descriptor, issuerKey: signer.keyHash)
        return RevocationList(index: try RevocationIndex(descriptor: descriptor))
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
