package import Cryptography
internal import Synchronization

/// An ephemeral key, agreed with one receiver ahead of the token that it will seal: half a P-256 agreement costs more
/// than everything else in a token. It seals once.
package final class PreparedAgreement: Sendable {
    package let receiver: PublicJWK
    private let header: TokenHeader
    private let contentKey: Mutex<SecretBytes?>

    /// - Throws: `failed` without randomness.
    package init(with receiver: PublicJWK) throws(JOSEError) {
        do {
            let ephemeral = try P256PrivateKey.generate()
            let shared = try ephemeral.sharedSecret(with: receiver.key)
            self.receiver = receiver
            header = Self.header(
                receiver.keyID, x: Base64URL.encode(ephemeral.publicKey.x), y: Base64URL.encode(ephemeral.publicKey.y))
            contentKey = Mutex(try concatKDF(shared, algorithm: "A256GCM", apu: [], apv: []))
        } catch {
            throw .failed
        }
    }

    private static func header(_ keyID: String, x: String, y: String) -> TokenHeader {
        TokenHeader(
            alg: "ECDH-ES", enc: "A256GCM", cty: "JWT", kid: keyID,
            epk: TokenHeader.EphemeralKey(kty: "EC", crv: "P-256", x: x, y: y))
    }

    /// The size of a token around `count` bytes.
    package static func size(of count: Int, receiverKeyID: String) -> Int {
        let coordinate = String(repeating: "x", count: Base64URL.count(32))
        return ContentEncryption.size(of: count, header: header(receiverKeyID, x: coordinate, y: coordinate))
    }

    /// A compact JWE around `payload`: ECDH-ES in direct agreement, A256GCM (RFC 7516, RFC 7518 4.6 and 5.3).
    /// - Throws: `spent` the second time.
    package func seal(_ payload: [UInt8]) throws(JOSEError) -> [UInt8] {
        let key = contentKey.withLock { key in
            defer { key = nil }
            return key
        }
        guard let key else { throw .spent }
        return try ContentEncryption.seal(payload, header: header, key: key)
    }
}

extension SharedKey {
    /// A compact JWE around `payload` under this key itself: `dir`, A256GCM (RFC 7518 4.5 and 5.3).
    package func seal(_ payload: [UInt8], type: String) throws(JOSEError) -> [UInt8] {
        try ContentEncryption.seal(payload, header: header(type), key: secret)
    }

    /// The size of a token around `count` bytes.
    package func size(of count: Int, type: String) -> Int { ContentEncryption.size(of: count, header: header(type)) }

    private func header(_ type: String) -> TokenHeader {
        TokenHeader(alg: "dir", enc: "A256GCM", typ: type, kid: keyID)
    }
}

/// A256GCM with a fresh random nonce, in compact form. With `dir` and in direct agreement the encrypted key is empty.
private enum ContentEncryption {
    static func size(of count: Int, header: TokenHeader) -> Int {
        ((try? header.encoded().count) ?? 0) + Base64URL.count(AESGCM.nonceCount) + Base64URL.count(count)
            + Base64URL.count(AESGCM.tagCount) + 4
    }

    static func seal(_ payload: [UInt8], header: TokenHeader, key: SecretBytes) throws(JOSEError) -> [UInt8] {
        let header = try header.encoded()
        do {
            let nonce = try SecureRandom.shared.bytes(AESGCM.nonceCount)
            let sealed = try payload.withUnsafeBytes { (payload) throws(CryptographyError) in
                try AESGCM.seal(payload, key: key, nonce: nonce, associated: header)
            }
            let dot = [UInt8(ascii: ".")]
            return header + dot + dot + Base64URL.encodedBytes(nonce) + dot + Base64URL.encodedBytes(sealed.ciphertext)
                + dot + Base64URL.encodedBytes(sealed.tag)
        } catch {
            throw .failed
        }
    }
}

/// A compact JWE (RFC 7516) as it came in.
package struct UnopenedJWE: Sendable {
    package let header: TokenHeader
    private let associated: [UInt8]
    private let encryptedKey: [UInt8]
    private let nonce: [UInt8]
    private let ciphertext: [UInt8]
    private let tag: [UInt8]

    package init(_ compact: [UInt8]) throws(JOSEError) {
        let parts = compact.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 5 else { throw .malformed }
        // safe: there are five
        let part = (parts[0], parts[1], parts[2], parts[3], parts[4])
        header = try TokenHeader.decode(part.0)
        associated = Array(part.0)
        encryptedKey = try Base64URL.decode(part.1)
        nonce = try Base64URL.decode(part.2)
        ciphertext = try Base64URL.decode(part.3)
        tag = try Base64URL.decode(part.4)
    }

    /// The plaintext, opened with the receiver's key by ECDH-ES and A256GCM and nothing else.
    package func opened(with key: P256PrivateKey) throws(JOSEError) -> SecretBytes {
        guard header.alg == "ECDH-ES", header.enc == "A256GCM", !header.hasForeignMember, encryptedKey.isEmpty,
            let epk = header.epk, epk.kty == "EC", epk.crv == "P-256"
        else { throw .unexpectedHeader }
        let (x, y) = (try Base64URL.decode(epk.x.utf8), try Base64URL.decode(epk.y.utf8))
        do {
            let shared = try key.sharedSecret(with: P256PublicKey(x: x, y: y))
            return try opened(under: concatKDF(shared, algorithm: "A256GCM", apu: [], apv: []))
        } catch {
            throw .decryption
        }
    }

    /// The plaintext, opened with the shared key by `dir` and A256GCM and nothing else.
    package func opened(with key: SharedKey) throws(JOSEError) -> SecretBytes {
        guard header.alg == "dir", header.enc == "A256GCM", !header.hasForeignMember, encryptedKey.isEmpty,
            header.epk == nil
        else { throw .unexpectedHeader }
        do {
            return try opened(under: key.secret)
        } catch {
            throw .decryption
        }
    }

    private func opened(under contentKey: SecretBytes) throws(CryptographyError) -> SecretBytes {
        try AESGCM.open(ciphertext, tag: tag, key: contentKey, nonce: nonce, associated: associated)
    }
}

/// Concat KDF with SHA-256 for one block of 256 bits (RFC 7518 4.6.2; SP 800-56A 5.8.1).
package func concatKDF(_ shared: SecretBytes, algorithm: String, apu: [UInt8], apv: [UInt8], bits: UInt32 = 256)
    throws(CryptographyError) -> SecretBytes
{
    func sized(_ bytes: [UInt8]) -> [UInt8] { bigEndian(UInt32(truncatingIfNeeded: bytes.count)) + bytes }
    func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0) & 0xFF) }
    }
    guard bits <= 256, bits % 8 == 0 else { throw CryptographyError(.malformed) }
    var input = bigEndian(1)
    shared.withBytes { input += $0 }
    input += sized(Array(algorithm.utf8)) + sized(apu) + sized(apv) + bigEndian(bits)
    var digest = sha256(input)
    defer {
        wipe(&input)
        wipe(&digest)
    }
    return SecretBytes(copying: digest.prefix(Int(truncatingIfNeeded: bits / 8)))
}
