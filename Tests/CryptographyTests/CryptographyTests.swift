@testable import Cryptography
import Foundation
import Testing

private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

@Suite struct DigestTests {
    @Test("SHA-256 of FIPS 180-4's first example")
    func sha() {
        #expect(sha256(Array("abc".utf8)) == bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
    }

    @Test("HMAC-SHA-256, RFC 4231 test case 2")
    func hmac() {
        let tag = hmacSHA256(Array("what do ya want for nothing?".utf8), key: SecretBytes(copying: Array("Jefe".utf8)))
        #expect(tag == bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
    }

    @Test("HKDF-SHA-256 without salt and info, RFC 5869 test case 3; purposes give keys apart")
    func hkdf() throws {
        let secret = SecretBytes(copying: [UInt8](repeating: 0x0B, count: 22))
        let key = try derivedKey(from: secret, purpose: "", count: 42)
        #expect(
            key.matches(
                bytes("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")))
        let (one, other) = (
            try derivedKey(from: secret, purpose: "one"), try derivedKey(from: secret, purpose: "other")
        )
        #expect(!one.matches(other.withBytes { Array($0) }))
    }
}

@Suite struct AESGCMTests {
    /// McGrew and Viega, test case 16 (AES-256, associated data).
    let key = SecretBytes(copying: bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
    let nonce = bytes("cafebabefacedbaddecaf888")
    let associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    let plaintext = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    let ciphertext = bytes(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    )
    let tag = bytes("76fc6ece0f4e1768cddf8853bb2d551b")

    @Test func vector() throws {
        let sealed = try plaintext.withUnsafeBytes {
            try AESGCM.seal($0, key: key, nonce: nonce, associated: associated)
        }
        #expect(sealed.ciphertext == ciphertext)
        #expect(sealed.tag == tag)
        #expect(
            try AESGCM.open(ciphertext, tag: tag, key: key, nonce: nonce, associated: associated).matches(plaintext))
    }

    @Test("Any flipped bit of ciphertext, tag or associated data is refused")
    func flipped() {
        for index in 0..<(ciphertext.count + tag.count + associated.count) {
            var parts = ciphertext + tag + associated
            parts[index] ^= 0x10
            let (c, t) = (parts[..<ciphertext.count], parts[ciphertext.count..<ciphertext.count + tag.count])
            #expect(throws: CryptographyError(.authenticationFailed, status: -0x12)) {
                try AESGCM.open(c, tag: t, key: key, nonce: nonce, associated: Array(parts.suffix(associated.count)))
            }
        }
    }
}

@Suite struct SecretTests {
    @Test("A secret prints nothing, by any route")
    func silent() throws {
        let secret = SecretBytes(copying: Array("19800217".utf8))
        let hidden = Confidential("PPID-1")
        let key = try P256PrivateKey.generate()
        for text in [
            "\(secret)", String(reflecting: secret), "\(hidden)", String(reflecting: hidden), "\(key)",
            String(reflecting: [hidden]),
        ] {
            #expect(!text.contains("1980") && !text.contains("PPID"))
        }
        var dumped = ""
        dump(secret, to: &dumped)
        dump(hidden, to: &dumped)
        #expect(!dumped.contains("1980") && !dumped.contains("PPID-1"))
    }

    @Test func comparison() {
        let secret = SecretBytes(copying: [1, 2, 3])
        #expect(secret.matches([1, 2, 3]))
        #expect(!secret.matches([1, 2, 4]))
        #expect(!secret.matches([1, 2]))
    }
}

@Suite struct KeyTests {
    @Test("P-256 agrees on one secret from both sides, and signatures verify under the right key only")
    func p256() throws {
        let (mine, theirs) = (try P256PrivateKey.generate(), try P256PrivateKey.generate())
        let shared = try mine.sharedSecret(with: theirs.publicKey)
        #expect(shared.matches(try theirs.sharedSecret(with: mine.publicKey).withBytes { Array($0) }))
        let message = Array("message".utf8)
        let signature = try mine.sign(message)
        try mine.publicKey.verify(signature, over: message)
        #expect(throws: CryptographyError.self) { try theirs.publicKey.verify(signature, over: message) }
        #expect(throws: CryptographyError.self) { try mine.publicKey.verify(signature, over: message + [0]) }
        #expect(throws: CryptographyError.self) {
            try mine.publicKey.verify([UInt8](repeating: 0, count: 64), over: message)
        }
    }

    @Test("A point that is not on the curve is no key")
    func offCurve() {
        #expect(throws: CryptographyError.self) {
            try P256PublicKey(x: [UInt8](repeating: 1, count: 32), y: [UInt8](repeating: 2, count: 32))
        }
    }

    @Test("RSA keys of other sizes and exponents are refused")
    func unsuitableRSA() throws {
        let key = try RSAPrivateKey().publicKey
        #expect(throws: CryptographyError.self) { try RSAPublicKey(modulus: key.modulus.dropLast(), exponent: [3]) }
        #expect(throws: CryptographyError.self) { try RSAPublicKey(modulus: key.modulus, exponent: [1]) }
        #expect(throws: CryptographyError.self) { try RSAPublicKey(modulus: key.modulus, exponent: [2]) }
        #expect(throws: CryptographyError.self) { try RSAPublicKey(modulus: [], exponent: []) }
    }

    @Test("RSA keys are the same where modulus and exponent are")
    func sameRSA() throws {
        let key = try RSAPrivateKey().publicKey
        #expect(try RSAPublicKey(modulus: [0] + key.modulus, exponent: [0] + key.exponent) == key)
        #expect(try RSAPublicKey(modulus: key.modulus, exponent: [3]) != key)
        #expect(try RSAPublicKey(modulus: RSAPrivateKey().publicKey.modulus, exponent: key.exponent) != key)
    }

    @Test("As many random bytes as were asked for, and none beyond", arguments: [0, 1, 1_024, 1_025, 1_500, 3_000])
    func randomCounts(count: Int) {
        var room = [UInt8](repeating: 0, count: 5_000)
        let status = room.withUnsafeMutableBufferPointer { SecureRandom.shared.fill($0.baseAddress, count) }
        #expect(status == 0 && room.dropFirst(count).allSatisfy { $0 == 0 })
        // Sixteen zeros in a row stand in random bytes as good as never.
        #expect(count < 16 || room.prefix(count).suffix(16).contains { $0 != 0 })
    }

    @Test("A private RSA key survives its encoding")
    func rsaEncoding() throws {
        let key = try RSAPrivateKey()
        let again = try RSAPrivateKey(encoded: key.derEncoded())
        #expect(again.publicKey == key.publicKey)
        try key.publicKey.verify(again.sign([1, 2, 3]), over: [1, 2, 3])
    }
}

@Suite struct PEMBlockTests {
    @Test func blocks() throws {
        let pem = Array("x\n-----BEGIN T-----\nAQID\n-----END T-----\n-----BEGIN T-----\nBAU=\n-----END T-----\n".utf8)
        #expect(try derBlocks(in: pem, label: "T") == [[1, 2, 3], [4, 5]])
        #expect(try derBlocks(in: [0x30, 0x00], label: "T") == [[0x30, 0x00]])
    }

    private static let block = "-----BEGIN T-----\nAQID\nBAUG\n-----END T-----\n"

    @Test(
        "Forms as the world writes them",
        arguments: [
            "\u{FEFF}" + block, block.replacing("\n", with: "\r\n"), block.replacing("\n", with: "\r"),
            block.replacing("\n", with: " \t\n"), block.replacing("\n", with: "\n\n \n"), "  " + block,
            block.replacing("AQID\nBAUG", with: "AQIDBAUG"), block.replacing("AQID\nBAUG", with: "A\nQIDB\nAUG"),
            String(block.dropLast()), block.replacing("\n", with: ""), "0 s:CN = Field CA\n" + block, "0\n" + block,
            "0é\n" + block, "-----BEGIN U-----\nAQID\n-----END U-----\n" + block,
            "Subject: -----BEGIN T-----\n-----BEGIN T\n" + block + "-----END T-----\n",
            String(repeating: "x", count: 100_000) + "\n" + block + String(repeating: "-----", count: 10_000),
        ])
    func forms(text: String) throws {
        #expect(try derBlocks(in: Array(text.utf8), label: "T") == [[1, 2, 3, 4, 5, 6]])
        // In any pieces the same.
        for size in [1, 3, 64] {
            var (stream, der, ends) = (PEMStream(labels: ["T"]), [UInt8](), 0)
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(size))
                piece.withUnsafeBytes {
                    stream.take($0) { part in
                        switch part {
                        case .begin, .broken: break
                        case .contents(let bytes): der += bytes
                        case .end: ends += 1
                        }
                    }
                }
                rest = rest.dropFirst(piece.count)
            }
            stream.finish { if case .broken = $0 { ends = -1 } }
            #expect(der == [1, 2, 3, 4, 5, 6] && ends == 1)
        }
    }

    @Test("Long lines and long blocks come whole")
    func long() throws {
        let der = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let text = Data(der).base64EncodedString()
        for body in [text, Data(der).base64EncodedString(options: .lineLength76Characters)] {
            let pem = Array("-----BEGIN T-----\n\(body)\n-----END T-----\n".utf8)
            #expect(try derBlocks(in: pem + pem, label: "T") == [der, der])
        }
    }

    @Test("A block that is broken hides none that follows it, closed or not")
    func brokenOnes() {
        for broken in [
            "-----BEGIN T-----\nA$ID\n-----END T-----\n", "-----BEGIN T-----\nAQID\n", "-----BEGIN T-----\nAQ=D\n",
            "-----BEGIN T-----\nAQI\n-----END T-----\n", "-----BEGIN T-----\nAQ==AQID\n-----END T-----\n",
            "-----BEGIN T-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END T-----\n",
            "-----BEGIN T-----\nAQID\n-----END U-----\n",
        ] {
            var (blocks, broke) = ([[UInt8]](), 0)
            var stream = PEMStream(labels: ["T"])
            Array((Self.block + broken + Self.block).utf8).withUnsafeBytes {
                stream.take($0) { part in
                    switch part {
                    case .begin: blocks.append([])
                    case .contents(let bytes): blocks[blocks.count - 1] += bytes
                    case .end: break
                    case .broken: (broke, _) = (broke + 1, blocks.removeLast())
                    }
                }
            }
            stream.finish { _ in broke += 10 }
            #expect(blocks == [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]] && broke == 1, "\(broken)")
        }
    }

    @Test("A key is read from the same forms, after its parameters, and never encrypted")
    func keys() throws {
        let key = try P256PrivateKey.generate()
        let pem = String(decoding: try key.pem.withBytes { Array($0) }, as: UTF8.self)
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        for text in [
            pem, "\u{FEFF}" + pem, pem.replacing("\n", with: " \r\n"), "0 a key\n" + pem, parameters + pem,
            String(pem.dropLast()),
        ] { #expect(try P256PrivateKey(pem: Array(text.utf8)).publicKey == key.publicKey) }
        let encrypted = pem.replacing("KEY-----\nM", with: "KEY-----\nProc-Type: 4,ENCRYPTED\n\nM")
        for text in ["", "no key", encrypted, String(pem.dropLast(30)), pem.replacing("EC PRIVATE", with: "PUBLIC")] {
            #expect(throws: CryptographyError.self) { try P256PrivateKey(pem: Array(text.utf8)) }
        }
    }

    @Test("A block that is not closed, or is not base64, is malformed", arguments: ["AQID", "A$ID\n-----END T-----"])
    func broken(body: String) {
        #expect(throws: CryptographyError.self) {
            try derBlocks(in: Array("-----BEGIN T-----\n\(body)".utf8), label: "T")
        }
    }
}

@Suite struct RunningDigestTests {
    @Test("FIPS 180-4's examples, by each engine, in any pieces", arguments: DigestEngine.allCases)
    func vectors(engine: DigestEngine) {
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        for (message, digest) in [
            ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] as [([UInt8], String)] {
            for size in [1, 63, 64, 65, 1_000, 2_000_000] where message.count < 100_000 || size >= 1_000 {
                var running = RunningDigest(.sha256, engine: engine)
                var rest = message[...]
                while !rest.isEmpty {
                    let piece = Array(rest.prefix(size))
                    piece.withUnsafeBytes { running.update($0) }
                    rest = rest.dropFirst(piece.count)
                }
                #expect(running.finish().hexText == digest)
            }
        }
    }

    @Test("Other digests are Mbed TLS's whatever the engine")
    func others() {
        for algorithm in [DigestAlgorithm.sha384, .sha512] {
            for engine in DigestEngine.allCases {
                var running = RunningDigest(algorithm, engine: engine)
                Array("abc".utf8).withUnsafeBytes { running.update($0) }
                #expect(running.finish() == algorithm.hash(Array("abc".utf8)))
            }
        }
    }
}
