// lint: reads nothing foreign: sums up bytes; its tables are indexed by a byte
/// CRC-32C (Castagnoli, RFC 3720 B.4): notices what a disk or a careless hand changed. It is no protection from an
/// adversary, who could change the sum as well.
package enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for slice in 1..<8 {
            for byte in 0..<256 {
                let before = tables[(slice - 1) * 256 + byte]
                tables[slice * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
            }
        }
        return tables
    }()

    package static func of(_ bytes: RawSpan) -> UInt32 {
        let table = tables.span
        var crc = UInt32.max
        var at = 0
        let end = bytes.byteCount
        while end - at >= 8 {
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
            let (low, high) = (UInt32(truncatingIfNeeded: word) ^ crc, UInt32(truncatingIfNeeded: word >> 32))
            let first = table[1_792 + Int(low & 0xFF)] ^ table[1_536 + Int(low >> 8 & 0xFF)]
            let second = table[1_280 + Int(low >> 16 & 0xFF)] ^ table[1_024 + Int(low >> 24)]
            let third = table[768 + Int(high & 0xFF)] ^ table[512 + Int(high >> 8 & 0xFF)]
            let fourth = table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
            crc = first ^ second ^ third ^ fourth
            at += 8
        }
        while at < end {
            let byte = bytes.unsafeLoad(fromByteOffset: at, as: UInt8.self)
            crc = crc >> 8 ^ table[Int((crc ^ UInt32(byte)) & 0xFF)]
            at += 1
        }
        return ~crc
    }
}
