internal import Cryptography

/// What revocation says of a path: the third outcome is never folded into good.
package enum RevocationVerdict: Sendable {
    case good(GoodRevocation)
    case revoked(RevocationReason)
    case undetermined(TrustError)
}

/// Says that no certificate of a path is on a fresh list that covers it. Only `RevocationLists.check` makes one.
package struct GoodRevocation: Sendable {
    fileprivate init() {}
}

/// The lists at hand. Each is believed for a certificate only once its signature verified under an authority of that
/// certificate's path.
package struct RevocationLists: Sendable {
    private var lists: [UnverifiedRevocationList]

    package init(_ lists: [UnverifiedRevocationList] = []) { self.lists = lists }

    package var count: Int { lists.count }

    /// Lists that an authority among `anchors` signed itself, each verified once here: what a kiosk serves.
    package func served(under anchors: TrustAnchors) -> [ServedRevocationList] {
        lists.compactMap { list in
            anchors.certificates.contains { list.isSigned(by: $0) } ? ServedRevocationList(list: list) : nil
        }
    }

    /// Checks every certificate below the anchor (RFC 5280 6.3); the worst answer wins.
    /// - Parameter maxAge: seconds that a list may be old, on top of its nextUpdate; nil: nextUpdate alone counts.
    package func check(_ certificate: ValidatedCertificate, anchors: TrustAnchors, maxAge: Int64?) -> RevocationVerdict
    {
        let check = PathCheck(
            lists: lists, anchors: anchors, intermediates: certificate.intermediates, time: certificate.time,
            maxAge: maxAge)
        return check.verdict(on: certificate.path, depth: 0)
    }
}

/// A list whose signature one of the anchors made.
package struct ServedRevocationList: Sendable {
    fileprivate let list: UnverifiedRevocationList
    package var thisUpdate: Int64 { list.thisUpdate }
    package var nextUpdate: Int64 { list.nextUpdate }
    package var count: Int { list.index.count }

    package func isFresh(at time: TrustedTime, maxAge: Int64?) -> Bool { list.isFresh(at: time, maxAge: maxAge) }
}

extension UnverifiedRevocationList {
    fileprivate func isFresh(at time: TrustedTime, maxAge: Int64?) -> Bool {
        let now = time.secondsSince1970
        return thisUpdate <= now && now < nextUpdate && (maxAge.map { now - thisUpdate <= $0 } ?? true)
    }

    /// The authority's key may sign lists, fits the list's key identifier, and made the signature.
    fileprivate func isSigned(by authority: X509Certificate) -> Bool {
        guard (try? DistinguishedName(encoded: authority.subject[...])) == issuer,
            (authority.keyUsage ?? KeyUsage.crlSign) & KeyUsage.crlSign != 0,
            let extensions = try? CertificateExtensions(authority)
        else { return false }
        if let wanted = authorityKeyIdentifier, let has = extensions.subjectKeyIdentifier, wanted != has {
            return false
        }
        guard let key = try? VerificationKey(publicKeyInfo: authority.publicKeyInfo) else { return false }
        return (try? key.verify(signature, digest: digest, algorithm: algorithm)) != nil
    }
}

/// One check of one path.
private struct PathCheck {
    let lists: [UnverifiedRevocationList]
    let anchors: TrustAnchors
    let intermediates: [X509Certificate]
    let time: TrustedTime
    let maxAge: Int64?

    /// How deep the certificates of list issuers are followed.
    private static let mostDepth = 3

    func verdict(on path: [PathElement], depth: Int) -> RevocationVerdict {
        var undetermined: TrustError?
        for (element, authority) in zip(path, path.dropFirst()) {
            switch verdict(on: element, authority: authority, path: path, depth: depth) {
            case .revoked(let reason): return .revoked(reason)
            case .undetermined(let error): undetermined = undetermined ?? error
            case .good: break
            }
        }
        return undetermined.map { .undetermined($0) } ?? .good(GoodRevocation())
    }

    private func verdict(on element: PathElement, authority: PathElement, path: [PathElement], depth: Int)
        -> RevocationVerdict
    {
        let extensions: CertificateExtensions
        do throws(TrustError) {
            extensions = try CertificateExtensions(element.certificate)
        } catch {
            return .undetermined(error)
        }
        let serial = SerialNumber(contents: element.certificate.serial)
        var covered = ReasonFlags()
        var revoked: RevocationReason?
        // The most telling of what was wrong with the lists that were at hand.
        var obstacle = TrustError(.noCRL, "no revocation list of the certificate's issuer is at hand")
        func note(_ code: CheckCode, _ reason: String) {
            let order: [CheckCode] = [.noCRL, .crlScope, .crlUnusable, .crlStale]
            let rank = { (code: CheckCode) in order.firstIndex(of: code) ?? 0 }
            if rank(code) > rank(obstacle.code) { obstacle = TrustError(code, reason) }
        }
        let ofIssuer = lists.filter { $0.issuer == element.issuer }
        for list in ofIssuer where list.baseNumber == nil {
            guard let reasons = list.reasons(covering: element.certificate, extensions) else {
                note(.crlScope, "no list at hand covers the certificate's distribution point")
                continue
            }
            guard !list.scope.isIndirect, !list.hasUnknownCriticalExtension else {
                note(.crlUnusable, "the list is indirect or has a critical extension that is not understood")
                continue
            }
            guard isVouchedFor(list, path: path, authority: authority, depth: depth) else {
                note(.crlUnusable, "the list's signature is by no authority of the certificate's path")
                continue
            }
            guard list.isFresh(at: time, maxAge: maxAge) else {
                note(.crlStale, "the list is not fresh at the time asked for")
                continue
            }
            do throws(TrustError) {
                let deltas = try usableDeltas(
                    for: list, among: ofIssuer, path: path, authority: authority, depth: depth)
                if let reason = try reason(for: serial, base: list, deltas: deltas) { revoked = revoked ?? reason }
                covered.formUnion(reasons)
            } catch {
                note(error.code, error.reason)
            }
        }
        if let revoked { return .revoked(revoked) }
        guard covered == .all else {
            if !covered.isEmpty { note(.crlScope, "the lists at hand cover some reasons only") }
            return .undetermined(obstacle)
        }
        return .good(GoodRevocation())
    }

    /// Delta lists that complete `base` (RFC 5280 5.2.4 and 6.3.3 (c)). One that is meant for it but is not usable
    /// leaves the base unable to say good.
    private func usableDeltas(
        for base: UnverifiedRevocationList, among lists: [UnverifiedRevocationList], path: [PathElement],
        authority: PathElement, depth: Int
    ) throws(TrustError) -> [UnverifiedRevocationList] {
        var usable: [UnverifiedRevocationList] = []
        for delta in lists {
            guard let baseNumber = delta.baseNumber, delta.scope == base.scope,
                delta.authorityKeyIdentifier == base.authorityKeyIdentifier,
                !base.number.isBelow(baseNumber), base.number.isBelow(delta.number)
            else { continue }
            guard delta.isFresh(at: time, maxAge: maxAge) else { continue }
            guard !delta.hasUnknownCriticalExtension,
                isVouchedFor(delta, path: path, authority: authority, depth: depth)
            else { throw TrustError(.crlUnusable, "a delta list is not usable") }
            usable.append(delta)
        }
        return usable
    }

    /// The newest delta that names the serial decides, then the base.
    private func reason(
        for serial: SerialNumber, base: UnverifiedRevocationList, deltas: [UnverifiedRevocationList]
    ) throws(TrustError) -> RevocationReason? {
        for delta in deltas.sorted(by: { $1.number.isBelow($0.number) }) {
            guard let reason = try delta.index.reason(for: serial) else { continue }
            return reason == .removeFromCRL ? nil : reason
        }
        return try base.index.reason(for: serial)
    }

    /// The list's signer is the certificate's own authority, or another certificate of that authority with a good path
    /// of its own to the same anchor.
    private func isVouchedFor(
        _ list: UnverifiedRevocationList, path: [PathElement], authority: PathElement, depth: Int
    ) -> Bool {
        if list.isSigned(by: authority.certificate) { return true }
        guard depth < Self.mostDepth, let anchor = path.last else { return false }
        let others = path.dropFirst().map(\.certificate) + intermediates
        return others.contains { other in
            guard other.der != authority.certificate.der, list.isSigned(by: other) else { return false }
            if other.der == anchor.certificate.der { return true }
            guard
                let own = try? anchors.validateAuthority(other, intermediates: intermediates, at: time),
                own.last?.certificate.der == anchor.certificate.der,
                case .good = verdict(on: own, depth: depth + 1)
            else { return false }
            return true
        }
    }
}

extension UnverifiedRevocationList {
    /// The reasons for which this list covers the certificate; nil when it does not (RFC 5280 6.3.3 (b)).
    fileprivate func reasons(covering certificate: X509Certificate, _ extensions: CertificateExtensions) -> ReasonFlags?
    {
        if scope.onlyAttributeCertificates { return nil }
        if scope.onlyUserCertificates && certificate.isCA { return nil }
        if scope.onlyCACertificates && !certificate.isCA { return nil }
        guard !scope.names.isEmpty else {
            // The list is its issuer's whole one.
            return scope.reasons
        }
        let points = extensions.distributionPoints.filter {
            !$0.names.isDisjoint(with: scope.names) && !$0.namesCRLIssuer
        }
        guard !points.isEmpty else { return nil }
        return points.reduce(ReasonFlags()) { $0.union($1.reasons.intersection(scope.reasons)) }
    }
}

extension [UInt8] {
    /// Compares two big-endian numbers without leading zeros.
    fileprivate func isBelow(_ other: [UInt8]) -> Bool {
        count != other.count ? count < other.count : lexicographicallyPrecedes(other)
    }
}
