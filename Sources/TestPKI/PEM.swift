package import Cryptography
internal import FoundationEssentials

/// Text forms of what the laboratory makes.
package enum PEM {
    package static func encode(_ der: [UInt8], label: String) -> [UInt8] {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n".utf8)
    }

    /// SEC 1 `EC PRIVATE KEY` of P-256.
    package static func encode(_ key: P256PrivateKey) throws -> [UInt8] {
        let curve = DER.oid([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07])
        let point = [0x04] + key.publicKey.x + key.publicKey.y
        let scalar = try key.exportScalar().withBytes { Array($0) }
        return encode(
            DER.sequence(
                DER.integer(1), DER.octets(scalar), DER.object(0xA0, curve), DER.object(0xA1, DER.bits(point))),
            label: "EC PRIVATE KEY")
    }
}
