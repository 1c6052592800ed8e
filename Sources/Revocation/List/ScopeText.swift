internal import Certificates
internal import Cryptography
internal import TLV

extension RevocationList {
    /// What the list covers, for an operator: the names of its distribution points in their normal form; empty for a
    /// whole list.
    package var pointTexts: [String] { fields.scope.names.map(\.text).sorted() }

    /// The issuer's name in its normal form.
    package var issuerText: String { fields.issuer.text }

    /// `user` or `ca` where the list covers only such certificates.
    package var only: String? {
        fields.scope.onlyUserCertificates ? "user" : fields.scope.onlyCACertificates ? "ca" : nil
    }

    /// The CRL number in decimal; in hex where it is longer than eight bytes.
    package var numberText: String { RevocationListFields.text(ofNumber: fields.number) }
    package var baseNumberText: String? { fields.baseNumber.map(RevocationListFields.text(ofNumber:)) }
}

extension UnverifiedRevocationList {
    var summary: ListSummary {
        ListSummary(
            issuer: fields.issuer.text, number: RevocationListFields.text(ofNumber: fields.number),
            scope: fields.scope.names.map(\.text).sorted(), thisUpdate: fields.thisUpdate,
            nextUpdate: fields.nextUpdate)
    }
}

extension RevocationListFields {
    fileprivate static func text(ofNumber number: [UInt8]) -> String {
        guard number.count > 8 else {
            return String(number.reduce(0 as UInt64) { $0 << 8 | UInt64(truncatingIfNeeded: $1) })
        }
        return "0x" + number.hexText
    }
}

extension PointName {
    fileprivate var text: String {
        switch self {
        case .directory(let name): name.text
        // A uniformResourceIdentifier is text; any other kind of name is shown as it is encoded.
        case .other(let encoded):
            if let name = try? TLVElement.only(.context(6, constructed: false), in: encoded[...], rules: .der),
                let text = String(validating: name.contents, as: UTF8.self)
            {
                text
            } else {
                "#" + encoded.hexText
            }
        }
    }
}
