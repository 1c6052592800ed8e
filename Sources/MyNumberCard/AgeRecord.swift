internal import TLV

/// EF 0001 of 券面事項確認 (FF10): the birth date and the card's public key, signed together. Unverified.
package struct AgeRecord: Sendable, CustomStringConvertible {
    let birthDate: BirthDate
    let cardKey: CardKey
    private let signed: ArraySlice<UInt8>
    private let signature: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) throws(CardDataError) {
        do {
            var file = TLVReader(bytes, rules: .ber)
            let record = try file.next(0xFF10)
            try file.end()
            var fields = record.reader(rules: .ber)
            let date = try fields.next(0xDF11)
            let key = try fields.next(0xDF12)
            signature = try fields.next(0xDF13).contents
            try fields.end()
            // The complete objects as stored: everything before the signature.
            // safe: both lie in the record, in this order
            signed = record.contents[date.encoded.startIndex..<key.encoded.endIndex]
            guard let birthDate = BirthDate(digits: date.contents) else { throw CardDataError.malformed(.ageRecord) }
            self.birthDate = birthDate
            cardKey = try CardKey(cardRecord: key.contents, record: .ageRecord)
        } catch {
            throw .malformed(.ageRecord)
        }
    }

    func verify(under issuer: RecordIssuerKey) throws(CardDataError) {
        guard issuer.use == .visual else { throw .unknownIssuer }
        try issuer.verify(signature, over: signed, of: .ageRecord)
    }

    package var description: String { "[age record]" }
}
