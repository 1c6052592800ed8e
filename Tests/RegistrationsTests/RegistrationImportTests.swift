import Cryptography
import Foundation
import Pilot
import Registrations
import Registry
import Testing

@Suite struct RegistrationImportTests {
    private let cards: PilotCards
    private let store: RegistrationStore

    init() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-import-\(UUID().uuidString)").path()
        cards = try PilotCards.make(in: path)
        store = try KioskDatabase(
            state: path + "/state", storageKey: SecureRandom.shared.secret(32), platform: PilotFolder.platform,
            libraries: ["central"], now: { nil }
        ).registrations
    }

    private func run(_ records: [[String: Any]]) async throws -> RegistrationImport.Report {
        let json = Array(try JSONSerialization.data(withJSONObject: records))
        defer { try? FileManager.default.removeItem(atPath: cards.folder.path) }
        return try #require(
            await RegistrationImport(store: store, libraries: ["central"]).run(json, now: cards.folder.now))
    }

    @Test("Every record that can be used is stored, each that can't is named by index and reason")
    func mixed() async throws {
        func changed(_ change: (inout [String: Any]) -> Void) -> [String: Any] {
            var record = cards.records[0]
            change(&record)
            return record
        }
        let report = try await run([
            cards.records[0],
            changed { $0["birth_date"] = "1980-2-17" },
            changed { $0["birth_key"] = "55021" },
            changed { $0["birth_date"] = "1905-01-01" },
            changed { $0["certificate"] = "nothing" },
            changed { $0["card_key"] = "AAAA" },
            changed { $0["ppid"] = ["elsewhere": "P"] },
            changed { $0["ppid"] = ["central": String(repeating: "p", count: 65)] },
            ["nonsense": true],
            cards.records[1],
        ])
        #expect(report.stored == 2)
        #expect(
            report.leftOut.map(\.reason) == [
                .birthDate, .birthKey, .birthKey, .certificate, .cardKey, .noLibrary, .length, .notARecord,
            ])
        #expect(report.leftOut.map(\.index) == Array(1...8))
        #expect(try await store.list().count == 2)
    }

    @Test("A certificate is stored as long as a card can hold one, and no longer; a pseudonym as long as 64 bytes")
    func longest() async throws {
        func record(_ certificate: Int, _ ppid: Int) -> [String: Any] {
            var record = cards.records[0]
            let der = [0x30] + [UInt8](repeating: 0, count: certificate - 1)
            record["certificate"] = String(decoding: PEM.encode(der, label: "CERTIFICATE"), as: UTF8.self)
            record["ppid"] = ["central": String(repeating: "p", count: ppid)]
            record["card_key"] = nil
            return record
        }
        let report = try await run([record(4_096, 64), record(4_097, 64), record(4_095, 65), record(4_095, 0)])
        #expect(report.stored == 1 && report.leftOut.map(\.reason) == [.certificate, .length, .length])
    }

    @Test("What is no JSON of records stores nothing", arguments: ["", "{", "[1", "7", #""x""#])
    func noRecords(text: String) async throws {
        let importing = RegistrationImport(store: store, libraries: ["central"])
        #expect(await importing.run(Array(text.utf8), now: 0) == nil)
        #expect(try await store.list().isEmpty)
        try? FileManager.default.removeItem(atPath: cards.folder.path)
    }

    @Test("What is exported can be imported again")
    func export() async throws {
        _ = try await run(cards.records)
        let exported = try await store.all().compactMap { $0.registration.map(Record.init) }
        let json = Array(try JSONEncoder().encode(exported))
        let other = try KioskDatabase(
            state: cards.folder.path + "-other", storageKey: SecureRandom.shared.secret(32),
            platform: PilotFolder.platform, libraries: ["central"], now: { nil }
        ).registrations
        let report = await RegistrationImport(store: other, libraries: ["central"]).run(json, now: cards.folder.now)
        #expect(report?.stored == 2 && report?.leftOut == [])
        try? FileManager.default.removeItem(atPath: cards.folder.path + "-other")
    }
}
