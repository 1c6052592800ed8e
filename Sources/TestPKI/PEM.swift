internal import FoundationEssentials

/// Text forms of what the laboratory makes.
package enum PEM {
    package static func encode(_ der: [UInt8], label: String) -> [UInt8] {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n".utf8)
    }
}
