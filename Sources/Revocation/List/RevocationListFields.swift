internal import Certificates
internal import TLV

/// What a list says of itself beside its entries (RFC 5280 5.1.2 and 5.2): whose it is, when, its number, what it covers.
struct RevocationListFields: Sendable {
    /// The issuer's Name as it stands in the list, and in its normal form.
    let issuerEncoded: [UInt8]
    let issuer: DistinguishedName
    /// Seconds since 1970.
    let thisUpdate, nextUpdate: Int64
    /// Big-endian without leading zeros.
    let number: [UInt8]
    /// Of a delta list; nil for a complete one.
    let baseNumber: [UInt8]?
    /// The value of issuingDistributionPoint; nil without it.
    let scopeEncoded: [UInt8]?
    let scope: IssuingDistributionPoint
    let authorityKeyIdentifier: [UInt8]?

    /// - Throws: `crlUnusable` when name or scope is not DER.
    init(
        issuerEncoded: [UInt8], thisUpdate: Int64, nextUpdate: Int64, number: [UInt8], baseNumber: [UInt8]?,
        scopeEncoded: [UInt8]?, authorityKeyIdentifier: [UInt8]?
    ) throws(RevocationError) {
        (self.issuerEncoded, self.thisUpdate, self.nextUpdate) = (issuerEncoded, thisUpdate, nextUpdate)
        (self.number, self.baseNumber, self.scopeEncoded) = (number, baseNumber, scopeEncoded)
        self.authorityKeyIdentifier = authorityKeyIdentifier
        do {
            let issuer = try DistinguishedName(encoded: issuerEncoded[...])
            self.issuer = issuer
            scope =
                try scopeEncoded.map { (value) throws(TLVError) in
                    try IssuingDistributionPoint(value[...], issuer: issuer)
                } ?? IssuingDistributionPoint()
        } catch {
            throw refusal("its issuer or its scope is not as RFC 5280 5.1.2.3 and 5.2.5 ask: \(error)")
        }
    }

    /// The times that a list can name: years 0 to 9999, seconds since 1970.
    static let times: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// A CRL number has 20 bytes at the most (RFC 5280 5.2.3), and no leading zeros here.
    static func isNumber(_ number: [UInt8]) -> Bool { number.count <= 21 && number.first != 0 }

    /// UTCTime up to 2049, GeneralizedTime after (RFC 5280 5.1.2.4).
    static func time(_ field: TLVElement) throws(TLVError) -> Int64 {
        let seconds = try field.time()
        let year2050: Int64 = 2_524_608_000
        guard (field.tag == .utcTime) == (seconds < year2050) else { throw .badValue }
        return seconds
    }
}

/// A list's first fields, up to its entries.
struct RevocationListHead {
    let algorithm: [UInt8]
    let issuer: [UInt8]
    let thisUpdate, nextUpdate: Int64
}

/// crlExtensions, read once.
struct RevocationListExtensions {
    private(set) var number: [UInt8]?
    private(set) var baseNumber: [UInt8]?
    private(set) var scope: [UInt8]?
    private(set) var authorityKeyIdentifier: [UInt8]?

    /// - Throws: `crlUnusable`, also for a critical extension that is not understood.
    init(_ extensions: [X509Extension]) throws {
        for item in extensions {
            switch item.oid {
            case ExtensionID.crlNumber:
                number = try byRule("its CRL number is none (RFC 5280 5.2.3)") { () throws(TLVError) in
                    try Self.number(item.value)
                }
            case ExtensionID.deltaCRLIndicator:
                baseNumber = try byRule("its base's CRL number is none (RFC 5280 5.2.4)") { () throws(TLVError) in
                    try Self.number(item.value)
                }
            case ExtensionID.issuingDistributionPoint: scope = Array(item.value)
            case ExtensionID.authorityKeyIdentifier:
                authorityKeyIdentifier = try byRule("its authority's key identifier is none (RFC 5280 5.2.1)") {
                    () throws(TLVError) in try CertificateExtensions.keyIdentifier(item.value)
                }
            case ExtensionID.issuerAltName: break
            default:
                guard !item.isCritical else {
                    throw refusal("a critical extension of it is not understood (RFC 5280 5.2)")
                }
            }
        }
    }

    private static func number(_ value: ArraySlice<UInt8>) throws(TLVError) -> [UInt8] {
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

    init(_ value: ArraySlice<UInt8>, issuer: DistinguishedName) throws(TLVError) {
        var fields = try TLVElement.only(.sequence, in: value, rules: .der).reader(rules: .der)
        // An empty SEQUENCE is not allowed.
        guard !fields.isAtEnd else { throw .badValue }
        func flag(_ number: UInt32) throws(TLVError) -> Bool {
            guard let field = try fields.nextIfPresent(.context(number, constructed: false)) else { return false }
            // DEFAULT FALSE is not encoded in DER.
            guard try field.booleanContents() else { throw .notMinimal }
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
            throw .badValue
        }
    }
}
