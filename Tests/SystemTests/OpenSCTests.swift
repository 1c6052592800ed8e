import RealStackSuite
import Cryptography
import Foundation
import TestPKI
import TestRig
import Testing
import VirtualCard

extension RealStack {
    /// Debian's OpenSC as an independent judge of the virtual card.
    @Suite struct OpenSCTests {
        @Test("OpenSC knows the card, reads its certificate, and signs with its PIN")
        func judge() async throws {
            let issued = try IssuedCard(
                issuers: TestIssuers(now: Int64(Date().timeIntervalSince1970)), now: Int64(Date().timeIntervalSince1970)
            )
            let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-opensc-\(UUID().uuidString)")
                .path()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let daemon = try await PCSCDaemon()
            let reader = VPCDReader()
            // OpenSC takes a 9000 to the query for an error, as real cards give it: a fresh card each time.
            func run(_ program: String, _ arguments: [String]) async throws -> (
                code: Int32, output: String, error: String
            ) {
                try reader.insert(try CardInField(issued.profile))
                try await Task.sleep(for: .milliseconds(900))
                let result = try await ChildProcess.run("/usr/bin/" + program, arguments)
                reader.remove()
                try await Task.sleep(for: .milliseconds(500))
                return result
            }

            let name = try await run("opensc-tool", ["-n"])
            #expect(name.output.lowercased().contains("jpki"), "\(name.output) \(name.error)")

            let list = try await run("pkcs15-tool", ["-c"])
            #expect(list.output.contains("User Authentication Certificate"), "\(list.output) \(list.error)")

            let certificate = folder + "/auth.pem"
            let read = try await run("pkcs15-tool", ["--read-certificate", "01", "-o", certificate])
            #expect(read.code == 0, "\(read.error)")
            let pem = Array(try Data(contentsOf: URL(filePath: certificate)))
            #expect(try derBlocks(in: pem, label: "CERTIFICATE") == [issued.certificate])

            try Data("message".utf8).write(to: URL(filePath: folder + "/message"))
            let signed = try await run(
                "pkcs11-tool",
                [
                    "--sign", "--mechanism", "SHA256-RSA-PKCS", "--login", "--pin", "1234", "--id", "01", "-i",
                    folder + "/message", "-o", folder + "/signature",
                ])
            #expect(signed.code == 0, "\(signed.error)")
            let verified = try await ChildProcess.run(
                "/bin/sh",
                [
                    "-c",
                    "openssl x509 -in \(certificate) -pubkey -noout > \(folder)/key.pem && openssl dgst -sha256 -verify \(folder)/key.pem -signature \(folder)/signature \(folder)/message",
                ])
            #expect(verified.output.contains("Verified OK"), "\(verified.output) \(verified.error)")
            await daemon.stop()
        }
    }
}
