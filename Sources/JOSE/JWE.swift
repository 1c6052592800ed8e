package import Cryptography
internal import Synchronization

/// An ephemeral key, agreed with one receiver ahead of the token that it will seal: half a P-256 agreement costs more
/// than everything else in a token. It seals once.
package final class PreparedAgreement: Sendable {
    private let header: TokenHeader
    private let contentKey: Mutex<SecretBytes?>

    /// - Throws: `failed` without randomness.
    package init(with receiver: PublicJWK) throws(JOSEError) {
        do {
            let ephemeral = try P256PrivateKey.generate()
            let shared = try ephemeral.sharedSecret(with: receiver.key)
            header = TokenHeader(
                alg: "ECDH-ES", enc: "A256GCM", cty: "JWT", kid: receiver.keyID,
                epk: TokenHeader.EphemeralKey(
                    kty: "EC", crv: "P-256", x: Base64URL.encode(ephemeral.publicKey.x),
                    y: Base64URL.encode(ephemeral.publicKey.y)))
            contentKey = Mutex(try concatKDF(shared, algorithm: "A256GCM", apu: [], apv: []))
        } catch {
            throw .failed
        }
    }

    /// A compact JWE around `payload`: ECDH-ES in direct agreement, A256GCM (RFC 7516, RFC 7518 4.6 and 5.3).
    /// - Throws: `spent` the second time.
    package func seal(_ payload: [UInt8]) throws(JOSEError) -> [UInt8] {
        let key = contentKey.withLock { key in
            defer { key = nil }
            return key
        }
        guard let key else { throw .spent }
        let header = try header.encoded()
        do {
            let nonce = try SecureRandom.shared.bytes(AESGCM.nonceCount)
            let sealed = try payload.withUnsafeBytes { (payload) throws(CryptographyError) in
                try AESGCM.seal(payload, key: key, nonce: nonce, associated: header)
            }
            let dot = [UInt8(ascii: ".")]
            // Direct agreement has an empty encrypted key.
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
        header = try TokenHeader.decode(parts[0])
        associated = Array(parts[0])
        encryptedKey = try Base64URL.decode(parts[1])
        nonce = try Base64URL.decode(parts[2])
        ciphertext = try Base64URL.decode(parts[3])
        tag = try Base64URL.decode(parts[4])
    }

    /// The plaintext, opened with the receiver's key by ECDH-ES and A256GCM and nothing else.
    package func opened(with key: P256PrivateKey) throws(JOSEError) -> SecretBytes {
        guard header.alg == "ECDH-ES", header.enc == "A256GCM", !header.hasForeignMember, encryptedKey.isEmpty,
            let epk = header.epk, epk.kty == "EC", epk.crv == "P-256"
        else { throw .unexpectedHeader }
        let (x, y) = (try Base64URL.decode(epk.x.utf8), try Base64URL.decode(epk.y.utf8))
        do {
            let shared = try key.sharedSecret(with: P256PublicKey(x: x, y: y))
            let contentKey = try concatKDF(shared, algorithm: "A256GCM", apu: [], apv: [])
            return try AESGCM.open(ciphertext, tag: tag, key: contentKey, nonce: nonce, associated: associated)
        } catch {
            throw .decryption
        }
    }
}

/// Concat KDF with SHA-256 for one block of 256 bits (RFC 7518 4.6.2; SP 800-56A 5.8.1).
package func concatKDF(_ shared: SecretBytes, algorithm: String, apu: [UInt8], apv: [UInt8], bits: UInt32 = 256)
    throws(CryptographyError) -> SecretBytes
{
    func sized(_ bytes: [UInt8]) -> [UInt8] { bigEndian(UInt32(bytes.count)) + bytes }
    func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
    guard bits <= 256, bits % 8 == 0 else { throw CryptographyError(.malformed) }
    var input = bigEndian(1)
    shared.withBytes { input += $0 }
    input += sized(Array(algorithm.utf8)) + sized(apu) + sized(apv) + bigEndian(bits)
    var digest = sha256(input)
    defer {
        wipe(&input)
        wipe(&digest)
    }
    return SecretBytes(copying: digest.prefix(Int(bits / 8)))
}
