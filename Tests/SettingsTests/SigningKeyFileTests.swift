import Foundation
import Settings
import Testing

@Suite struct SigningKeyFileTests {
    @Test("A new kiosk's keys are made once; one that is empty was never made, and the other one stays")
    func created() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func contents(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder + "/" + name)) }
        try SigningKeyFile.createKeys(in: folder)
        let (storage, signing) = (try contents("storage.key"), try contents("kiosk-es256.pem"))
        #expect(storage.count == 32 && String(decoding: signing, as: UTF8.self).hasPrefix("-----BEGIN"))
        #expect(throws: SigningKeyFile.Problem.alreadyCreated) { try SigningKeyFile.createKeys(in: folder) }
        for (name, other) in [("storage.key", "kiosk-es256.pem"), ("kiosk-es256.pem", "storage.key")] {
            let (before, kept) = (try contents(name), try contents(other))
            try Data().write(to: URL(filePath: folder + "/" + name))
            try SigningKeyFile.createKeys(in: folder)
            #expect(try contents(name).count > 0 && contents(name) != before && contents(other) == kept)
        }
    }
}
