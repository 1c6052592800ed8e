import Cryptography
import Testing

@Suite struct SignatureAlgorithmTests {
    /// An OBJECT IDENTIFIER's contents (X.690 8.19).
    private func contents(_ text: String) -> [UInt8] {
        let arcs = text.split(separator: ".").compactMap { Int($0) }
        return ([arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)).flatMap { arc in
            var bytes = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                bytes.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            return bytes
        }
    }

    @Test("Each algorithm by its number (RFC 4055, RFC 5758), its hash and its kind of key")
    func numbers() {
        let known: [(String, SignatureAlgorithm, DigestAlgorithm, isRSA: Bool)] = [
            ("1.2.840.113549.1.1.11", .rsaSHA256, .sha256, true), ("1.2.840.113549.1.1.12", .rsaSHA384, .sha384, true),
            ("1.2.840.113549.1.1.13", .rsaSHA512, .sha512, true), ("1.2.840.10045.4.3.2", .ecdsaSHA256, .sha256, false),
            ("1.2.840.10045.4.3.3", .ecdsaSHA384, .sha384, false),
            ("1.2.840.10045.4.3.4", .ecdsaSHA512, .sha512, false),
        ]
        #expect(known.count == SignatureAlgorithm.allCases.count)
        for (number, algorithm, digest, isRSA) in known {
            #expect(SignatureAlgorithm(oid: contents(number)) == algorithm)
            #expect(algorithm.digest == digest && algorithm.isRSA == isRSA)
            #expect(!SignatureAlgorithm.isWeak(oid: contents(number)))
        }
    }

    @Test(
        "MD2, MD4, MD5 and SHA-1 are known to be weak, and are no algorithm",
        arguments: [
            "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5",
            "1.2.840.10045.4.1", "1.2.840.10040.4.3", "1.3.14.3.2.29",
        ])
    func weak(number: String) {
        #expect(SignatureAlgorithm.isWeak(oid: contents(number)) && SignatureAlgorithm(oid: contents(number)) == nil)
    }

    @Test(
        "What else there is, is neither", arguments: ["1.2.840.113549.1.1.10", "1.2.840.113549.1.1.14", "1.3.101.112"])
    func others(number: String) {
        #expect(!SignatureAlgorithm.isWeak(oid: contents(number)) && SignatureAlgorithm(oid: contents(number)) == nil)
    }
}
