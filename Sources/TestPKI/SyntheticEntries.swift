internal import Cryptography
internal import TLV

/// Entries of a large list, made as they are asked for: distinct serials in no order, dates of the last four years, JPKI's
/// reasons. The same number is always the same entry.
package struct SyntheticEntries: Sendable {
    /// Bytes of a serial.
    package enum Width: Int, Sendable { case four = 4, sixteen = 16 }

    package let width: Width
    private let template: [UInt8]
    private let newest: Int64

    /// - Parameter thisUpdate: of the list; every entry is older.
    package init(_ width: Width, thisUpdate: Int64) {
        (self.width, newest) = (width, thisUpdate)
        let reason = TestRevocationList.extension([0x55, 0x1D, 0x15], critical: false, DER.object(0x0A, [0x01]))
        template = DER.sequence(
            DER.object(0x02, [UInt8](repeating: 0x01, count: width.rawValue)), DER.time(0), DER.object(0x30, reason))
    }

    package var entrySize: Int { template.count }

    /// The contents of the serial of entry `number`, below 2^30.
    package func serial(_ number: Int) -> [UInt8] {
        switch width {
        case .four:
            // A number below 2^24 would be shorter: it is shuffled again until it is none.
            var value = Self.shuffle(UInt32(truncatingIfNeeded: number) + 0x0100_0000)
            while value < 0x0100_0000 { value = Self.shuffle(value) }
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
        case .sixteen:
            let (a, b) = (Self.mix(UInt64(number) << 1), Self.mix(UInt64(number) << 1 | 1))
            let high = (a & 0x7FFF_FFFF_FFFF_FFFF) | 0x4000_0000_0000_0000
            return (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : b) >> (56 - 8 * UInt64($0 % 8))) }
        }
    }

    package func reason(_ number: Int) -> UInt8 { UInt8(1 + Self.mix(UInt64(number) ^ 0x5EA5) % 6) }

    /// Appends the entries of `numbers` as DER.
    package func append(_ numbers: Range<Int>, to bytes: inout [UInt8]) {
        let width = width.rawValue
        for number in numbers {
            let start = bytes.count
            bytes += template
            let serial = serial(number)
            for index in 0..<width { bytes[start + 4 + index] = serial[index] }
            let random = Self.mix(UInt64(number) ^ 0xDA7E)
            let time = CivilTime(secondsSince1970: newest - 86_400 - Int64(random % (4 * 365 * 86_400)))
            var at = start + 4 + width + 2
            for value in [time.year % 100, time.month, time.day, time.hour, time.minute, time.second] {
                bytes[at] = 0x30 + UInt8(value / 10)
                bytes[at + 1] = 0x30 + UInt8(value % 10)
                at += 2
            }
            bytes[start + template.count - 1] = reason(number)
        }
    }

    /// A bijection of 31 bits: four rounds of Feistel over 16 and 15 bits.
    private static func shuffle(_ value: UInt32) -> UInt32 {
        var (left, right) = (value >> 15 & 0xFFFF, value & 0x7FFF)
        for round in 0..<4 as Range<UInt64> {
            left ^= UInt32(truncatingIfNeeded: mix(UInt64(right) | round << 32)) & 0xFFFF
            right ^= UInt32(truncatingIfNeeded: mix(UInt64(left) | round << 40)) & 0x7FFF
        }
        return left << 15 | right
    }

    /// SplitMix64's finaliser: a bijection.
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

extension TestRevocationList {
    /// Signs and hands over, piece by piece, a list of this one's fields with the synthetic entries of `numbers`.
    package func stream(
        _ synthetic: SyntheticEntries, _ numbers: Range<Int>, signedBy authority: TestAuthority,
        to write: ([UInt8]) throws -> Void
    ) throws {
        let tail = extensionsDER
        let size = numbers.count * synthetic.entrySize
        let revoked: [UInt8] = numbers.isEmpty ? [] : [0x30] + DER.length(size)
        let contents = headDER + revoked
        let signed = [0x30] + DER.length(contents.count + size + tail.count) + contents
        let algorithm = CertificateBuilder.sha256WithRSA
        let signatureSize = DER.bits([UInt8](repeating: 0, count: authority.key.publicKey.modulus.count)).count
        var digest = RunningDigest(.sha256, engine: .fastest)
        func pass(_ bytes: [UInt8]) throws {
            bytes.withUnsafeBytes { digest.update($0) }
            try write(bytes)
        }
        try write([0x30] + DER.length(signed.count + size + tail.count + algorithm.count + signatureSize))
        try pass(signed)
        var at = numbers.lowerBound
        while at < numbers.upperBound {
            let next = min(at + 8_192, numbers.upperBound)
            var piece: [UInt8] = []
            piece.reserveCapacity((next - at) * synthetic.entrySize)
            synthetic.append(at..<next, to: &piece)
            try pass(piece)
            at = next
        }
        try pass(tail)
        try write(algorithm + DER.bits(try authority.key.signPadded(digestInfo(ofSHA256: digest.finish()))))
    }
}
