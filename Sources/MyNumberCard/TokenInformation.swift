/// EF 0006 of the JPKI application: what kind of token this is. Laid out as PKCS#11's CK_TOKEN_INFO.
package struct TokenInformation: Hashable, Sendable {
    package enum Medium: Hashable, Sendable {
        /// JPKIAPICCTOKEN2: a My Number Card.
        case card
        /// JPKIAPICCTOKEN: the resident card that came before it.
        case residentCard
        /// JPKIAPGPSETOKEN: the secure element of an Android phone.
        case androidPhone
        /// JPKIAPIOSTOKEN: an iPhone.
        case iPhone
        case other
    }
    package let medium: Medium

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        guard bytes.count >= 32 else { throw .malformed(.tokenInformation) }
        let label = bytes.prefix(32)
        guard label.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .malformed(.tokenInformation) }
        let text = String(decoding: label, as: UTF8.self)
        // Space padded.
        let end = text.lastIndex { $0 != " " }.map { text.index(after: $0) } ?? text.startIndex
        medium =
            switch text[..<end] {  // safe: an index of the text
            case "JPKIAPICCTOKEN2": .card
            case "JPKIAPICCTOKEN": .residentCard
            case "JPKIAPGPSETOKEN": .androidPhone
            case "JPKIAPIOSTOKEN": .iPhone
            default: .other
            }
    }
}
