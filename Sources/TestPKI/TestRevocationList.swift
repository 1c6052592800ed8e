internal import Cryptography
internal import TLV

/// A CRL in the making, in JPKI's shape or broken on purpose.
package struct TestRevocationList: Sendable {
    package struct Entry: Sendable {
        /// A non-negative number, big-endian.
        package var serial: [UInt8]
        /// The INTEGER's contents instead: negative, or not as they should be.
        package var contents: [UInt8]?
        package var date: Int64
        package var reason: UInt8?
        package var extra: [UInt8]

        package init(serial: [UInt8], date: Int64, reason: UInt8? = nil, extra: [UInt8] = []) {
            (self.serial, self.date, self.reason, self.extra) = (serial, date, reason, extra)
        }
    }
    package var issuer: TestName
    package var thisUpdate: Int64
    package var nextUpdate: Int64?
    package var number: Int? = 1
    package var entries: [Entry] = []
    /// The distribution point that a critical issuingDistributionPoint names; nil: the whole list, without one.
    package var scope: TestName?
    package var onlyUserCertificates = false
    package var base: Int?
    package var keyIdentifier: [UInt8]?
    /// Whole Extension objects, appended.
    package var extra: [UInt8] = []
    package var isVersion2 = true
    /// An empty revokedCertificates instead of none.
    package var hasEmptyEntries = false

    package init(_ authority: TestAuthority, thisUpdate: Int64, nextUpdate: Int64?) {
        issuer = authority.name
        keyIdentifier = authority.keyIdentifier
        (self.thisUpdate, self.nextUpdate) = (thisUpdate, nextUpdate)
    }

    package static func `extension`(_ oid: [UInt8], critical: Bool, _ value: [UInt8]) -> [UInt8] {
        DER.sequence(DER.oid(oid), critical ? DER.yes : [], DER.octets(value))
    }

    /// Up to revokedCertificates.
    var headDER: [UInt8] {
        (isVersion2 ? DER.integer(1) : []) + CertificateBuilder.sha256WithRSA + issuer.der + DER.time(thisUpdate)
            + (nextUpdate.map { DER.time($0) } ?? [])
    }

    /// crlExtensions, with their wrapper.
    var extensionsDER: [UInt8] {
        guard isVersion2 else { return [] }
        var extensions: [UInt8] = []
        if let keyIdentifier {
            extensions += Self.extension(
                [0x55, 0x1D, 0x23], critical: false, DER.sequence(DER.object(0x80, keyIdentifier)))
        }
        if let number { extensions += Self.extension([0x55, 0x1D, 0x14], critical: false, DER.integer(number)) }
        if let base { extensions += Self.extension([0x55, 0x1D, 0x1B], critical: true, DER.integer(base)) }
        if scope != nil || onlyUserCertificates {
            let name = scope.map { DER.object(0xA0, DER.object(0xA0, DER.object(0xA4, $0.der))) } ?? []
            let only = onlyUserCertificates ? DER.object(0x81, [0xFF]) : []
            extensions += Self.extension([0x55, 0x1D, 0x1C], critical: true, DER.sequence(name, only))
        }
        return DER.object(0xA0, DER.object(0x30, extensions + extra))
    }

    package func signed(by authority: TestAuthority) throws -> [UInt8] {
        try signed(rawEntries: entriesDER, by: authority)
    }

    private var entriesDER: [UInt8] {
        entries.flatMap { entry in
            let reason = entry.reason.map {
                Self.extension([0x55, 0x1D, 0x15], critical: false, DER.object(0x0A, [$0]))
            }
            let all = (reason ?? []) + entry.extra
            return DER.sequence(
                entry.contents.map { DER.object(0x02, $0) } ?? DER.integer(entry.serial), DER.time(entry.date),
                all.isEmpty ? [] : DER.object(0x30, all))
        }
    }

    /// - Parameter entries: in DER, one after another.
    package func signed(rawEntries entries: [UInt8], by authority: TestAuthority) throws -> [UInt8] {
        let tbs = DER.sequence(
            headDER, entries.isEmpty && !hasEmptyEntries ? [] : DER.object(0x30, entries), extensionsDER)
        return DER.sequence(tbs, CertificateBuilder.sha256WithRSA, DER.bits(try authority.key.sign(tbs)))
    }
}
