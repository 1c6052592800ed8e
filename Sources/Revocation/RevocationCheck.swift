package import Certificates
internal import Clock
internal import Cryptography
internal import Synchronization

/// What revocation says of a path: the third outcome is never folded into good.
package enum RevocationVerdict: Sendable {
    case good(GoodRevocation)
    case revoked(RevocationReason)
    case undetermined(RevocationError)
}

/// Says that no certificate of a path is on a fresh list that covers it. Only `RevocationLists.check` makes one.
package struct GoodRevocation: Sendable, CustomStringConvertible, CustomReflectable {
    /// The end entity's, DER.
    package let certificate: [UInt8]

    fileprivate init(_ path: [PathElement]) { certificate = path.first?.certificate.der ?? [] }

    package var description: String { "[certificate]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The lists at hand, by issuer and distribution point. Each is believed for a certificate only where the key that signed
/// it is that of an authority of the certificate's path.
package struct RevocationLists: Sendable {
    private struct OfIssuer: Sendable {
        /// Lists that name no distribution point.
        var whole: [RevocationList] = []
        var byPoint: [PointName: [RevocationList]] = [:]
        var hasComplete = false
        /// A list that none of the authorities at hand signed.
        var hasUnsigned = false
    }
    private var issuers: [DistinguishedName: OfIssuer] = [:]
    package let all: [RevocationList]

    package init(_ lists: [RevocationList] = []) { self.init(lists, unsigned: []) }

    /// - Parameter unsigned: issuers of lists whose signature is by no authority at hand: they only tell why nothing is
    ///   known.
    init(_ lists: [RevocationList], unsigned: Set<DistinguishedName>) {
        all = lists
        for list in lists {
            let points = list.fields.scope.names
            if !list.isDelta { issuers[list.fields.issuer, default: OfIssuer()].hasComplete = true }
            if points.isEmpty { issuers[list.fields.issuer, default: OfIssuer()].whole.append(list) }
            for point in points {
                issuers[list.fields.issuer, default: OfIssuer()].byPoint[point, default: []].append(list)
            }
        }
        for issuer in unsigned { issuers[issuer, default: OfIssuer()].hasUnsigned = true }
    }

    /// Verifies each list under whichever of `authorities` signed it.
    /// - Throws: `storeUnavailable`.
    package init(_ lists: [UnverifiedRevocationList], authorities: [[UInt8]]) throws(RevocationError) {
        let collector = ListCollector(authorities: authorities)
        for list in lists { try collector.take(.success(list)) }
        self = collector.lists
    }

    /// Lists that may cover a certificate, and whether any complete one of its issuer's is at hand at all.
    fileprivate func candidates(_ issuer: DistinguishedName, _ points: [DistributionPoint])
        -> (lists: [RevocationList], hasComplete: Bool, hasUnsigned: Bool)
    {
        guard let ofIssuer = issuers[issuer] else { return ([], false, false) }
        var lists = ofIssuer.whole
        for name in points.reduce(into: Set<PointName>(), { $0.formUnion($1.names) }) {
            for list in ofIssuer.byPoint[name] ?? [] where !lists.contains(where: { $0.index === list.index }) {
                lists.append(list)
            }
        }
        return (lists, ofIssuer.hasComplete, ofIssuer.hasUnsigned)
    }

    /// Checks every certificate below the anchor (RFC 5280 6.3); the worst answer wins.
    /// - Parameter maxAge: seconds that a list may be old, on top of its nextUpdate; nil: nextUpdate alone counts.
    package func check(_ certificate: ValidatedCertificate, anchors: TrustAnchors, maxAge: Int64?) -> RevocationVerdict
    {
        let check = PathCheck(
            lists: self, anchors: anchors, intermediates: certificate.intermediates, time: certificate.time,
            maxAge: maxAge)
        return check.verdict(on: certificate.path, depth: 0)
    }
}

/// Verifies lists as they come, each at its end, for a check without a store. Of a list that nobody at hand signed it
/// keeps nothing.
package final class ListCollector: Sendable {
    private struct State {
        var verified: [RevocationList] = []
        /// Issuers of lists that nobody at hand signed, where they bear the name of an authority at hand.
        var unsigned: Set<DistinguishedName> = []
        var broken: RevocationError?
    }
    private let state = Mutex(State())
    private let authorities: ListAuthorities
    private let names: Set<DistinguishedName>

    /// - Parameter authorities: certificates, DER.
    package init(authorities: [[UInt8]]) {
        let list = X509CertificateList()
        for der in authorities { _ = try? list.append(der, judge: CertificateExtensions.judge) }
        self.authorities = ListAuthorities(list.certificates)
        names = Set(list.certificates.compactMap { try? DistinguishedName(encoded: $0.subject[...]) })
    }

    /// Takes the next list. One that is refused is dropped, however many they are: the next may be an authority's.
    /// - Throws: `storeUnavailable`.
    package func take(_ list: Result<UnverifiedRevocationList, RevocationError>) throws(RevocationError) {
        do throws(RevocationError) {
            let list = try list.get()
            guard let verified = try list.verifiedIfSigned(under: authorities) else {
                if names.contains(list.fields.issuer) {
                    state.withLock { _ = $0.unsigned.insert(list.fields.issuer) }
                }
                return
            }
            state.withLock { $0.verified.append(verified) }
        } catch {
            guard error.code == .crlUnusable else { throw error }
            state.withLock { $0.broken = error }
        }
    }

    /// The last list whose form is wrong.
    package var broken: RevocationError? { state.withLock { $0.broken } }

    /// What was verified so far.
    package var lists: RevocationLists { state.withLock { RevocationLists($0.verified, unsigned: $0.unsigned) } }
}

/// One check of one path.
private struct PathCheck {
    let lists: RevocationLists
    let anchors: TrustAnchors
    let intermediates: [X509Certificate]
    let time: TrustedTime
    let maxAge: Int64?

    /// How deep the certificates of list issuers are followed.
    private static let mostDepth = 3

    func verdict(on path: [PathElement], depth: Int) -> RevocationVerdict {
        var undetermined: RevocationError?
        for (element, authority) in zip(path, path.dropFirst()) {
            switch verdict(on: element, authority: authority, path: path, depth: depth) {
            case .revoked(let reason): return .revoked(reason)
            case .undetermined(let error): undetermined = undetermined ?? error
            case .good: break
            }
        }
        return undetermined.map { .undetermined($0) } ?? .good(GoodRevocation(path))
    }

    private func verdict(on element: PathElement, authority: PathElement, path: [PathElement], depth: Int)
        -> RevocationVerdict
    {
        let extensions: CertificateExtensions
        do throws(CertificateError) {
            extensions = try CertificateExtensions(element.certificate)
        } catch {
            return .undetermined(RevocationError(.noCRL, error.reason))
        }
        let serial = SerialNumber(contents: element.certificate.serial)
        var covered = ReasonFlags()
        var revoked: RevocationReason?
        // The most telling of what was wrong with the lists that were at hand.
        var obstacle = RevocationError(.noCRL, "no revocation list of the certificate's issuer is at hand")
        func note(_ code: RevocationError.Code, _ reason: String) {
            let order: [RevocationError.Code] = [.noCRL, .crlScope, .crlUnusable, .crlStale, .storeDamaged]
            let rank = { (code: RevocationError.Code) in order.firstIndex(of: code) ?? 0 }
            if rank(code) > rank(obstacle.code) { obstacle = RevocationError(code, reason) }
        }
        let (ofIssuer, hasComplete, hasUnsigned) = lists.candidates(element.issuer, extensions.distributionPoints)
        if hasComplete { note(.crlScope, "no list at hand covers the certificate's distribution point") }
        if hasUnsigned { note(.crlUnusable, "the list's signature is by no authority at hand") }
        for list in ofIssuer where !list.isDelta {
            guard let reasons = list.reasons(covering: element.certificate, extensions) else { continue }
            guard !list.fields.scope.isIndirect else {
                note(.crlUnusable, "the list is indirect")
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
            do throws(RevocationError) {
                let deltas = usableDeltas(
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
        return .good(GoodRevocation(path))
    }

    /// Delta lists that complete `base` (RFC 5280 5.2.4 and 6.3.3 (c)).
    private func usableDeltas(
        for base: RevocationList, among lists: [RevocationList], path: [PathElement], authority: PathElement, depth: Int
    ) -> [RevocationList] {
        lists.filter { delta in
            guard let baseNumber = delta.fields.baseNumber, delta.fields.scope == base.fields.scope,
                delta.issuerKey == base.issuerKey,
                delta.fields.authorityKeyIdentifier == base.fields.authorityKeyIdentifier,
                !base.fields.number.isBelow(baseNumber), base.fields.number.isBelow(delta.fields.number),
                delta.isFresh(at: time, maxAge: maxAge)
            else { return false }
            return isVouchedFor(delta, path: path, authority: authority, depth: depth)
        }
    }

    /// The newest delta that names the serial decides, then the base.
    private func reason(
        for serial: SerialNumber, base: RevocationList, deltas: [RevocationList]
    ) throws(RevocationError) -> RevocationReason? {
        for delta in deltas.sorted(by: { $1.fields.number.isBelow($0.fields.number) }) {
            guard let reason = try delta.index.reason(for: serial) else { continue }
            return reason == .removeFromCRL ? nil : reason
        }
        return try base.index.reason(for: serial)
    }

    /// The list's signer is the certificate's own authority, or another certificate of that authority with a good path
    /// of its own to the same anchor.
    private func isVouchedFor(
        _ list: RevocationList, path: [PathElement], authority: PathElement, depth: Int
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

extension RevocationList {
    /// The authority may sign lists, and its key made this one's signature.
    fileprivate func isSigned(by authority: X509Certificate) -> Bool {
        guard let signer = ListSigner(authority) else { return false }
        return signer.mayHaveSigned(fields) && signer.keyHash == issuerKey
    }

    /// The reasons for which this list covers the certificate; nil when it does not (RFC 5280 6.3.3 (b)).
    fileprivate func reasons(covering certificate: X509Certificate, _ extensions: CertificateExtensions) -> ReasonFlags?
    {
        let scope = fields.scope
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
    func isBelow(_ other: [UInt8]) -> Bool {
        count != other.count ? count < other.count : lexicographicallyPrecedes(other)
    }
}
