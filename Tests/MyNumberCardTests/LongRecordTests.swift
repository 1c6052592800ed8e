import CardText
import MyNumberCard
import TLV
import TestPKI
import Testing

/// Records of a card that promise, or hold, more than any card's: refused by name, and the process lives.
@Suite struct LongRecordTests {
    private static let lengths = [0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x1_0000, 70_000]
    private static let promises: [[UInt8]] = [
        [0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x84, 0x7F, 0xFF, 0xFF, 0xFF], [0x83, 0xFF, 0xFF, 0xFF],
        [0x85, 1, 1, 1, 1, 1],
        [0x80], [0xFF], [0x82, 0xFF],
    ]

    /// Each record of the card: its tag, and its fields' tags.
    private static let records: [(tag: UInt32, fields: [UInt32], read: @Sendable ([UInt8]) throws -> Void)] = [
        (0xFF10, [0xDF11, 0xDF12, 0xDF13], { _ = try AgeRecord($0) }),
        (0xFF20, [0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25], { _ = try BasicAttributes($0) }),
        (0xFF30, [0xDF31, 0xDF32, 0xDF33], { _ = try TextSignature($0) }),
        (0xFF50, [0xDF51, 0xDF52], { _ = try TextKey($0) }),
        (0x7F21, [0x5F4E, 0x5F37], { _ = try CVCertificate($0) }),
    ]

    @Test("Fields of every length, in every place, and lengths that promise what is not there")
    func fields() {
        for record in Self.records {
            for index in record.fields.indices {
                func whole(_ field: [UInt8]) -> [UInt8] {
                    let parts = record.fields.enumerated().flatMap { $0 == index ? field : BER.object($1, [0x31]) }
                    return BER.object(record.tag, parts)
                }
                for length in Self.lengths {
                    let field = BER.object(record.fields[index], [UInt8](repeating: 0x91, count: length))
                    #expect(throws: CardDataError.self) { try record.read(whole(field)) }
                }
                let tag = Array(BER.object(record.fields[index], []).dropLast())
                for promise in Self.promises {
                    #expect(throws: CardDataError.self) { try record.read(whole(tag + promise)) }
                    #expect(throws: CardDataError.self) { try record.read(tag + promise) }
                }
            }
        }
    }

    @Test("A card's key of any size but those that are taken")
    func keys() {
        for length in Self.lengths {
            let number = DER.integer([UInt8](repeating: 0x91, count: length))
            for numbers in [DER.sequence(number, DER.integer(65_537)), DER.sequence(DER.integer(65_537), number)] {
                let algorithm = DER.sequence(
                    DER.oid([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]), DER.null)
                let info = DER.sequence(algorithm, DER.bits(numbers))
                guard let key = try? CardKey(publicKeyInfo: info) else { continue }
                #expect((256...512).contains(length) && key.publicKeyInfo == info)
            }
        }
    }
}
