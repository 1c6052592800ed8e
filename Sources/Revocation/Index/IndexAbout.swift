internal import Certificates
/// What an index says of its list, beside the serials.
struct IndexAbout: Sendable {
    let fields: RevocationListFields
    /// SHA-256 of the SubjectPublicKeyInfo whose key made the signature.
    let issuerKey: [UInt8]
    /// Of the TBSCertList: the list's identity.
    let digest: [UInt8]

    /// - Parameter reasons: the reasons' own codes, in the order of the index's.
    func encoded(reasons: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ field: [UInt8]?) {
            bytes.appendLittleEndian(UInt32(truncatingIfNeeded: field.map { $0.count + 1 } ?? 0))
            bytes += field ?? []
        }
        add(fields.issuerEncoded)
        add(issuerKey)
        add(digest)
        add(fields.number)
        add(fields.baseNumber)
        add(fields.scopeEncoded)
        add(fields.authorityKeyIdentifier)
        add(reasons.map { UInt8(truncatingIfNeeded: $0) })
        bytes.appendLittleEndian(fields.thisUpdate)
        bytes.appendLittleEndian(fields.nextUpdate)
        return bytes
    }

    /// - Returns: the reasons too, by the index's codes.
    static func decode(_ bytes: [UInt8]) throws(RevocationError) -> (about: IndexAbout, reasons: [RevocationReason]) {
        var rest = bytes[...]
        func integer(_ count: Int) throws(RevocationError) -> UInt64 {
            guard rest.count >= count else { throw damaged }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64(truncatingIfNeeded: $1) }
        }
        func field() throws(RevocationError) -> [UInt8]? {
            let length = Int(truncatingIfNeeded: try integer(4))
            guard length > 0 else { return nil }
            guard rest.count >= length - 1 else { throw damaged }
            defer { rest = rest.dropFirst(length - 1) }
            return Array(rest.prefix(length - 1))
        }
        guard let issuer = try field(), let issuerKey = try field(), let digest = try field(),
            let number = try field()
        else { throw damaged }
        let (base, scope, authority) = (try field(), try field(), try field())
        guard let codes = try field() else { throw damaged }
        let reasons = codes.compactMap { RevocationReason(rawValue: Int(truncatingIfNeeded: $0)) }
        guard reasons.count == codes.count, codes.count <= 16, issuerKey.count == 32, digest.count >= 32 else {
            throw damaged
        }
        let (this, next) = (Int64(bitPattern: try integer(8)), Int64(bitPattern: try integer(8)))
        guard rest.isEmpty, RevocationListFields.isNumber(number), base.map(RevocationListFields.isNumber) ?? true,
            RevocationListFields.times.contains(this), RevocationListFields.times.contains(next)
        else { throw damaged }
        let fields = try RevocationListFields(
            issuerEncoded: issuer, thisUpdate: this, nextUpdate: next, number: number, baseNumber: base,
            scopeEncoded: scope, authorityKeyIdentifier: authority)
        return (IndexAbout(fields: fields, issuerKey: issuerKey, digest: digest), reasons)
    }

    private static var damaged: RevocationError {
        RevocationError(.storeDamaged, "the index's header is not as it was written")
    }
}
