internal import Cryptography
internal import TLV

/// A CRL as it was read (RFC 5280 5.1). Its form was checked, its signature was not.
package struct UnverifiedRevocationList: Sendable {
    let issuer: DistinguishedName
    let thisUpdate: Int64
    let nextUpdate: Int64
    /// Big-endian without leading zeros.
    let number: [UInt8]
    let baseNumber: [UInt8]?
    let scope: IssuingDistributionPoint
    let authorityKeyIdentifier: [UInt8]?
    let index: any RevocationIndex
    /// A critical extension of the list or of an entry that we do not process: the list is of no use.
    let hasUnknownCriticalExtension: Bool
    let digest: [UInt8]
    let algorithm: SignatureAlgorithm
    let signature: [UInt8]

    /// - Throws: `crlUnusable`.
    package init(der: [UInt8]) throws(TrustError) {
        do {
            self = try Self.walk(der)
        } catch let error as TrustError {
            throw error
        } catch {
            throw TrustError(.crlUnusable, "the list is not DER as RFC 5280 asks (\(error))")
        }
    }

    private static func walk(_ der: [UInt8]) throws -> UnverifiedRevocationList {
        var outer = try TLVElement.only(.sequence, in: der[...], rules: .der).reader(rules: .der)
        let tbs = try outer.next(.sequence)
        let outerAlgorithm = try outer.next(.sequence)
        let signature = try outer.next().octetsOfBitString()
        try outer.end()

        var fields = tbs.reader(rules: .der)
        let version = try fields.nextIfPresent(.integer)
        if let version, try version.smallInteger() != 1 { throw refusal("its version is not 2") }
        let innerAlgorithm = try fields.next(.sequence)
        guard innerAlgorithm.encoded.elementsEqual(outerAlgorithm.encoded) else {
            throw refusal("its two signature algorithms differ")
        }
        var algorithmFields = innerAlgorithm.reader(rules: .der)
        guard let algorithm = SignatureAlgorithm(oid: try algorithmFields.next().objectIdentifier().bytes) else {
            throw refusal("its signature algorithm is not taken")
        }
        let issuer = try DistinguishedName(encoded: try fields.next(.sequence).encoded)
        guard !issuer.isEmpty else { throw refusal("it names no issuer") }
        let thisUpdate = try time(try fields.next())
        guard let nextField = try nextTime(&fields) else { throw refusal("it has no nextUpdate") }
        let nextUpdate = try time(nextField)
        var entries = RevokedEntries()
        if let revoked = try fields.nextIfPresent(.sequence) { try entries.read(revoked, isVersion2: version != nil) }
        var extensions = ListExtensions()
        if let wrapper = try fields.nextIfPresent(.context(0, constructed: true)) {
            guard version != nil else { throw refusal("it has extensions, but not version 2") }
            extensions = try ListExtensions(
                try TLVElement.only(.sequence, in: wrapper.contents, rules: .der), issuer: issuer)
        } else if version != nil {
            throw refusal("it has version 2, but no extensions")
        }
        try fields.end()
        guard let number = extensions.number else { throw refusal("it has no CRL number") }
        if extensions.baseNumber == nil, entries.reasons.values.contains(.removeFromCRL) {
            throw refusal("removeFromCRL stands in a list that is no delta")
        }
        return UnverifiedRevocationList(
            issuer: issuer, thisUpdate: thisUpdate, nextUpdate: nextUpdate, number: number,
            baseNumber: extensions.baseNumber, scope: extensions.scope,
            authorityKeyIdentifier: extensions.authorityKeyIdentifier, index: MemoryRevocationIndex(entries.reasons),
            hasUnknownCriticalExtension: extensions.hasUnknownCritical || entries.hasUnknownCritical,
            digest: algorithm.digest.hash(tbs.encoded), algorithm: algorithm, signature: Array(signature))
    }

    private init(
        issuer: DistinguishedName, thisUpdate: Int64, nextUpdate: Int64, number: [UInt8], baseNumber: [UInt8]?,
        scope: IssuingDistributionPoint, authorityKeyIdentifier: [UInt8]?, index: any RevocationIndex,
        hasUnknownCriticalExtension: Bool, digest: [UInt8], algorithm: SignatureAlgorithm, signature: [UInt8]
    ) {
        (self.issuer, self.thisUpdate, self.nextUpdate) = (issuer, thisUpdate, nextUpdate)
        (self.number, self.baseNumber, self.scope) = (number, baseNumber, scope)
        (self.authorityKeyIdentifier, self.index) = (authorityKeyIdentifier, index)
        self.hasUnknownCriticalExtension = hasUnknownCriticalExtension
        (self.digest, self.algorithm, self.signature) = (digest, algorithm, signature)
    }

    private static func nextTime(_ fields: inout TLVReader) throws -> TLVElement? {
        if let utc = try fields.nextIfPresent(.utcTime) { return utc }
        return try fields.nextIfPresent(.generalizedTime)
    }

    /// UTCTime up to 2049, GeneralizedTime after (RFC 5280 5.1.2.4).
    static func time(_ field: TLVElement) throws -> Int64 {
        let seconds = try field.time()
        let year2050: Int64 = 2_524_608_000
        guard (field.tag == .utcTime) == (seconds < year2050) else { throw TLVError.badValue }
        return seconds
    }

    fileprivate static func refusal(_ reason: String) -> TrustError {
        TrustError(.crlUnusable, "the list is refused: \(reason)")
    }
}

/// revokedCertificates, read once.
private struct RevokedEntries {
    var reasons: [SerialNumber: RevocationReason] = [:]
    var hasUnknownCritical = false

    mutating func read(_ sequence: TLVElement, isVersion2: Bool) throws {
        var reader = sequence.reader(rules: .der)
        // Absent when empty (RFC 5280 5.1.2.6).
        repeat {
            var entry = try reader.next(.sequence).reader(rules: .der)
            let contents = try entry.next(.integer).integer()
            guard contents.count <= 20 || (contents.count == 21 && contents.first == 0) else { throw TLVError.badValue }
            _ = try UnverifiedRevocationList.time(try entry.next())
            var reason = RevocationReason.unspecified
            if !entry.isAtEnd {
                let extensions = try X509Extension.list(try entry.next(.sequence))
                guard isVersion2 else {
                    throw UnverifiedRevocationList.refusal("an entry has extensions, but not version 2")
                }
                reason = try self.reason(extensions)
            }
            try entry.end()
            let serial = SerialNumber(contents: contents)
            // Listed twice: the entry that revokes counts.
            if reasons[serial] == nil || reasons[serial] == .removeFromCRL { reasons[serial] = reason }
        } while !reader.isAtEnd
    }

    private mutating func reason(_ extensions: [X509Extension]) throws -> RevocationReason {
        var reason = RevocationReason.unspecified
        for item in extensions {
            switch item.oid {
            case ExtensionID.reasonCode:
                let code = try TLVElement.only(.enumerated, in: item.value, rules: .der).smallInteger()
                guard let known = RevocationReason(rawValue: code) else { throw TLVError.badValue }
                reason = known
            case ExtensionID.invalidityDate: break
            default: if item.isCritical { hasUnknownCritical = true }
            }
        }
        return reason
    }
}

/// crlExtensions, read once.
private struct ListExtensions {
    var number: [UInt8]?
    var baseNumber: [UInt8]?
    var scope = IssuingDistributionPoint()
    var authorityKeyIdentifier: [UInt8]?
    var hasUnknownCritical = false

    init() {}

    init(_ extensions: TLVElement, issuer: DistinguishedName) throws {
        for item in try X509Extension.list(extensions) {
            switch item.oid {
            case ExtensionID.crlNumber: number = try Self.number(item.value)
            case ExtensionID.deltaCRLIndicator: baseNumber = try Self.number(item.value)
            case ExtensionID.issuingDistributionPoint:
                scope = try IssuingDistributionPoint(item.value, issuer: issuer)
            case ExtensionID.authorityKeyIdentifier:
                authorityKeyIdentifier = try CertificateExtensions.keyIdentifier(item.value)
            case ExtensionID.issuerAltName: break
            default: if item.isCritical { hasUnknownCritical = true }
            }
        }
    }

    private static func number(_ value: ArraySlice<UInt8>) throws -> [UInt8] {
        let bytes = try TLVElement.only(.integer, in: value, rules: .der).integer()
        guard let first = bytes.first, first & 0x80 == 0, bytes.count <= 21 else { throw TLVError.badValue }
        return Array(bytes.drop { $0 == 0 })
    }
}

/// What a list covers (RFC 5280 5.2.5). Without the extension: everything its issuer issued.
struct IssuingDistributionPoint: Hashable, Sendable {
    var names: Set<PointName> = []
    var onlyUserCertificates = false
    var onlyCACertificates = false
    var onlyAttributeCertificates = false
    var reasons = ReasonFlags.all
    var isIndirect = false

    init() {}

    init(_ value: ArraySlice<UInt8>, issuer: DistinguishedName) throws {
        var fields = try TLVElement.only(.sequence, in: value, rules: .der).reader(rules: .der)
        // An empty SEQUENCE is not allowed.
        guard !fields.isAtEnd else { throw TLVError.badValue }
        func flag(_ number: UInt32) throws -> Bool {
            guard let field = try fields.nextIfPresent(.context(number, constructed: false)) else { return false }
            // DEFAULT FALSE is not encoded in DER.
            guard try field.booleanContents() else { throw TLVError.notMinimal }
            return true
        }
        if let name = try fields.nextIfPresent(.context(0, constructed: true)) {
            names = try PointName.set(name, issuer: issuer)
        }
        onlyUserCertificates = try flag(1)
        onlyCACertificates = try flag(2)
        if let some = try fields.nextIfPresent(.context(3, constructed: false)) {
            reasons = try ReasonFlags(contents: some.contents)
        }
        isIndirect = try flag(4)
        onlyAttributeCertificates = try flag(5)
        try fields.end()
        guard [onlyUserCertificates, onlyCACertificates, onlyAttributeCertificates].count(where: { $0 }) <= 1 else {
            throw TLVError.badValue
        }
    }
}
