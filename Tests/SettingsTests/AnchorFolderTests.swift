import Certificates
import Cryptography
import Foundation
import Pilot
import Settings
import TestPKI
import Testing
import VirtualCard

/// A folder of anchors as people keep it.
@Suite struct AnchorFolderTests {
    private let folder: PilotFolder
    init() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-anchors-\(UUID().uuidString)").path()
        folder = try PilotFolder(path)
    }

    private func load() throws(ConfigurationError) -> Configuration {
        try Configuration(file: folder.path + "/kazashi.toml")
    }

    private func put(_ name: String, _ bytes: [UInt8]) throws { _ = try folder.write("anchors/" + name, bytes) }

    private var certificate: [UInt8] { folder.issuers.authority.certificate }

    @Test("Other files beside the certificates are left out, and named; certificates in any form are taken")
    func others() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let key = try P256PrivateKey.generate().pem.withBytes { Array($0) }
        try put("README", Array("0 nothing here\n".utf8))
        try put("ca.srl", Array("3A0F\n".utf8))
        try put("ca.key", key)
        try put("key.der", try folder.issuers.authority.key.derEncoded())
        try put("empty", [])
        // The same authority, in other forms.
        let pem = String(decoding: PEM.encode(certificate, label: "CERTIFICATE"), as: UTF8.self)
        try put("text.pem", Array(("\u{FEFF}0 s:CN = Test\r\n" + pem.replacing("\n", with: " \r\n")).utf8))
        try put("ca.der", certificate)
        let loaded = try load()
        #expect(loaded.anchors.certificates.count == 3)
        let left = Set(loaded.anchorFilesLeftOut.map { String($0.split(separator: "/").last ?? "") })
        #expect(left == ["README", "ca.srl", "ca.key", "key.der", "empty"])
    }

    @Test("A certificate that is broken, or none of a CA, is an error that names its file")
    func broken() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let pem = PEM.encode(certificate, label: "CERTIFICATE")
        let card = try folder.issuers.authority.issue(
            .init(
                serial: [1], commonName: "x", publicKey: folder.issuers.authority.key.publicKey, validFrom: 0,
                validTo: 2_000_000_000))
        for bytes in [
            Array(pem.dropLast(40)), PEM.encode(Array(certificate.dropLast(9)), label: "CERTIFICATE"), card,
            PEM.encode(card, label: "CERTIFICATE"),
        ] {
            try put("other.pem", bytes)
            do throws(ConfigurationError) {
                _ = try load()
                Issue.record("taken")
            } catch { #expect("\(error)".contains("other.pem") && error.place == .key("trust.anchors")) }
        }
    }
}
