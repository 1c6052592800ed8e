internal import FoundationEssentials

/// PEM (RFC 7468 section 3) of what is no secret; read by `PEMStream`.
package enum PEM {
    package static func encode(_ der: [UInt8], label: String) -> [UInt8] {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n".utf8)
    }
}
