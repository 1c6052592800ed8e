/// The files that a configuration names, before any of them is read: for whoever brings them to where a kiosk will look.
package struct NamedFiles: Sendable {
    package struct Input: Equatable, Sendable {
        /// Which key names it.
        package let key: String
        /// As it is written.
        package let path: String
    }

    /// Files and folders that are no secret.
    package let inputs: [Input]
    /// What libraries' keys want from the service manager: names of credentials.
    package let secrets: [String]
    /// Files of theirs that are secret, and are named as if they were none.
    package let openSecrets: [Input]

    /// A credential's longest name here, and the names that the machine's own two have.
    private static let longest = 200
    private static let own = ["storage.key", "kiosk-es256.pem"]

    /// - Throws: when the file is no configuration, or a secret's name can't be one of systemd's, or is the machine's own.
    package init(file: String) throws(ConfigurationError) {
        let reader = ConfigurationReader(file: file)
        let written = try ConfigurationFile.parse(try reader.text(), file: file)
        var secrets: [String] = []
        var openSecrets: [Input] = []
        for (key, path) in reader.secrets(in: written) where key.hasPrefix("library.") {
            guard let name = ConfigurationReader.credentialName(path) else {
                openSecrets.append(Input(key: key, path: path))
                continue
            }
            guard Self.isCredential(name), !Self.own.contains(name) else {
                throw reader.wrong(
                    key,
                    "credential: is followed by a name of letters, digits, dots, hyphens and underscores, not the board's own"
                )
            }
            if !secrets.contains(name) { secrets.append(name) }
        }
        (self.secrets, self.openSecrets) = (secrets, openSecrets)
        inputs = written.inputs.map { Input(key: $0, path: $1) }
    }

    private static func isCredential(_ name: String) -> Bool {
        (1...longest).contains(name.utf8.count) && name.first != "."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension ConfigurationFile {
    /// Every file and folder that is read and is no secret, with the key that names it.
    fileprivate var inputs: [(key: String, path: String)] {
        var inputs = trust.anchors.map { ("trust.anchors", $0) } + trust.card_anchors.map { ("trust.card_anchors", $0) }
        if let path = board?.server_ca { inputs.append(("board.server_ca", path)) }
        inputs += (revocation?.files ?? []).map { ("revocation.files", $0) }
        for library in library {
            let certificate = library.client_key == nil ? nil : library.client_certificate
            for (name, path) in [
                ("receiver_key", library.receiver_key), ("acknowledgement_key", library.acknowledgement_key),
                ("ca", library.ca), ("client_certificate", certificate),
            ] {
                if let path { inputs.append(("library.\(library.name).\(name)", path)) }
            }
        }
        return inputs
    }
}
