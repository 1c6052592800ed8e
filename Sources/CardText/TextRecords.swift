internal import Cryptography
package import MyNumberCard
internal import TLV

/// EF 0002 of 券面事項入力補助 (FF20): name, address, birth date, sex. An identity: it prints as nothing. Unverified.
package struct BasicAttributes: Sendable, CustomStringConvertible, CustomReflectable {
    package let name: String
    package let address: String
    package let birthDate: BirthDate
    /// ASCII '1' male, '2' female, '0' unknown, '9' not applicable.
    package let sex: UInt8
    /// What EF 0003 hashes: the value after the offset table.
    let hashed: [UInt8]

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        do {
            var file = TLVReader(bytes, rules: .ber)
            let record = try file.next(0xFF20)
            try file.end()
            var fields = record.reader(rules: .ber)
            let table = try fields.next(0xDF21)
            let name = try fields.next(0xDF22)
            let address = try fields.next(0xDF23)
            let date = try fields.next(0xDF24)
            let sex = try fields.next(0xDF25)
            try fields.end()
            guard let nameText = String(validating: name.contents, as: UTF8.self),
                let addressText = String(validating: address.contents, as: UTF8.self),
                let birthDate = BirthDate(digits: date.contents), let sexDigit = sex.contents.first,
                sex.contents.count == 1
            else { throw CardDataError.malformed(.basicAttributes) }
            (self.name, self.address, self.birthDate, self.sex) = (nameText, addressText, birthDate, sexDigit)
            hashed = Array(record.contents.dropFirst(table.encoded.count))
        } catch {
            throw .malformed(.basicAttributes)
        }
    }

    package var description: String { "[attributes]" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// EF 0003 of 券面事項入力補助 (FF30): digests of the records and the issuer's signature over them. Unverified.
package struct TextSignature: Sendable {
    private let attributesDigest: ArraySlice<UInt8>
    private let signed: ArraySlice<UInt8>
    private let signature: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        do {
            var file = TLVReader(bytes, rules: .ber)
            let record = try file.next(0xFF30)
            try file.end()
            var fields = record.reader(rules: .ber)
            let number = try fields.next(0xDF31)
            let attributes = try fields.next(0xDF32)
            signature = try fields.next(0xDF33).contents
            try fields.end()
            guard number.contents.count == 32, attributes.contents.count == 32 else {
                throw CardDataError.malformed(.textSignature)
            }
            attributesDigest = attributes.contents
            // safe: both lie in the record, in this order
            signed = record.contents[number.encoded.startIndex..<attributes.encoded.endIndex]
        } catch {
            throw .malformed(.textSignature)
        }
    }

    /// Says that `issuer` signed these attributes.
    package func verify(_ attributes: BasicAttributes, under issuer: RecordIssuerKey) throws(CardDataError) {
        guard issuer.use == .text else { throw .unknownIssuer }
        try issuer.verify(signature, over: signed, of: .textSignature)
        guard sha256(attributes.hashed).elementsEqual(attributesDigest) else { throw .signature(.basicAttributes) }
    }
}

/// EF 0007 of 券面事項入力補助 (FF50): the public half of that application's own key, signed. Unverified.
package struct TextKey: Sendable {
    private let key: CardKey
    private let signed: ArraySlice<UInt8>
    private let signature: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        do {
            var file = TLVReader(bytes, rules: .ber)
            var fields = try file.next(0xFF50).reader(rules: .ber)
            try file.end()
            let key = try fields.next(0xDF51)
            signature = try fields.next(0xDF52).contents
            try fields.end()
            signed = key.encoded
            self.key = try CardKey(cardRecord: key.contents, record: .textKey)
        } catch {
            throw .malformed(.textKey)
        }
    }

    package func verified(under issuer: RecordIssuerKey) throws(CardDataError) -> CardKey {
        guard issuer.use == .text else { throw .unknownIssuer }
        try issuer.verify(signature, over: signed, of: .textKey)
        return key
    }
}
