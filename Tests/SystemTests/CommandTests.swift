import Cryptography
import Foundation
import Pilot
import TestPKI
import TestRig
import Testing
import VirtualCard

/// The appliance's command as its own process: exit codes, JSON, and words that help.
@Suite(.timeLimit(.minutes(2))) struct CommandTests {
    private static let shared = Result {
        try PilotCards.make(
            in: FileManager.default.temporaryDirectory.appending(path: "kazashi-command-\(UUID().uuidString)").path())
    }
    private let cards: PilotCards
    init() throws { cards = try Self.shared.get() }

    private func kazashi(_ arguments: [String], input: String = "") async throws -> (
        code: Int32, output: String, error: String
    ) {
        try await ChildProcess.run(Programs.kazashi, arguments, input: Array(input.utf8))
    }

    private struct Answer: Decodable, Equatable {
        let verdict, code, reason: String
    }

    private func check(_ card: IssuedCard, _ arguments: [String]) async throws -> (code: Int32, answer: Answer) {
        let file = try cards.folder.write(
            "\(card.serial.hexText).pem", PEM.encode(card.certificate, label: "CERTIFICATE"))
        let result = try await kazashi(
            ["check", "--anchor", cards.folder.path + "/anchors/authca-test.pem", "--json"] + arguments + [file])
        return (result.code, try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8)))
    }

    @Test("A kiosk that can't open its database says so on its panel and in its state, before it ends")
    func unopenedDatabase() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try PilotFolder(path)
        let line = try SerialDisplay()
        var options = PilotFolder.Options()
        options.display = "cd5220:" + line.path
        try folder.writeConfiguration(options)
        try FileManager.default.createDirectory(atPath: path + "/state", withIntermediateDirectories: true)
        try Data(repeating: 0x78, count: 8_192).write(to: URL(filePath: path + "/state/kazashi.sqlite"))
        let result = try await kazashi(["run", "--config", folder.configuration, "--taps-to-stdout"])
        #expect(result.code != 0)
        #expect(result.output.contains(#""cause":"registry""#), "\(result)")
        #expect(await line.shows("Unavailable D1") != nil)
        line.stop()
    }

    @Test("Nothing is left of what was removed, also where another id of the same command is unknown")
    func removedBesideUnknown() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        let (config, database) = (cards.folder.configuration, path + "/state/kazashi.sqlite")
        let records = String(decoding: try JSONSerialization.data(withJSONObject: cards.records), as: UTF8.self)
        #expect(try await kazashi(["registration", "import", "--config", config, "-"], input: records).code == 0)
        // Something else holds the database open, as a kiosk does: its log stays when a command ends.
        let holder = try ChildProcess(
            "/usr/bin/python3",
            [
                "-c",
                "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('select 1 from registration').fetchall(); print('open',flush=True); sys.stdin.read(1); import time; time.sleep(600)",
                database,
            ])
        for await line in holder.lines where line == "open" { break }
        let list = try await kazashi(["registration", "list", "--config", config]).output
        let ids = list.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
        let removed = try await kazashi(["registration", "remove", "--config", config] + ids + ["0123456789abcdef"])
        #expect(
            removed.code == 1 && !ids.isEmpty && ids.allSatisfy { removed.error.contains("\($0): done") }, "\(removed)")
        #expect(((try? Data(contentsOf: URL(filePath: database + "-wal"))) ?? Data()).isEmpty)
        await holder.stop()
    }

    @Test(
        "Root that imports into somebody's store is that user: a link there leads nowhere, and its own file is read",
        .enabled(if: geteuid() == 0, "needs root"))
    func importByRoot() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["", "/state", "/ours", "/private"] {
            try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: true)
        }
        chmod(folder + "/private", 0o700)
        try #require(chown(folder + "/state", 65_534, 65_534) == 0)
        let list = folder + "/private/list.crl"
        try FileManager.default.copyItem(atPath: cards.folder.path + "/crl/kiyose-shi.crl", toPath: list)
        func importing(into store: String) async throws -> Int32 {
            try await kazashi([
                "crl", "import", "--store", folder + store, "--issuer",
                cards.folder.path + "/anchors/authca-test.pem", list,
            ]).code
        }
        symlink(folder + "/ours", folder + "/state/link")
        lchown(folder + "/state/link", 65_534, 65_534)
        #expect(try await importing(into: "/state/link") == 3)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/ours").isEmpty)
        #expect(try await importing(into: "/state/revocation") == 0)
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder + "/state") where name != "link" {
            let owner = try FileManager.default.attributesOfItem(atPath: folder + "/state/" + name)[.ownerAccountID]
            #expect(owner as? Int == 65_534, "\(name)")
        }
    }

    @Test("key create: keys that are there stay; an empty one was never made")
    func createdKeys() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func bytes(_ name: String) -> Data? { try? Data(contentsOf: folder.appending(path: name)) }
        #expect(try await kazashi(["key", "create", folder.path()]).code == 0)
        let (storage, signing) = (bytes("storage.key"), bytes("kiosk-es256.pem"))
        let again = try await kazashi(["key", "create", folder.path()])
        #expect(again.code == 1 && again.error.contains("nothing changed"), "\(again)")
        try Data().write(to: folder.appending(path: "kiosk-es256.pem"))
        #expect(try await kazashi(["key", "create", folder.path()]).code == 0)
        #expect(bytes("storage.key") == storage && bytes("kiosk-es256.pem") != signing)
    }

    @Test("check: good 0, revoked 1, untrusted 1, undetermined 3, wrong use 2")
    func check() async throws {
        let crl = ["--crl", cards.folder.path + "/crl/kiyose-shi.crl"]
        let good = try await check(cards.good, crl)
        #expect(good.code == 0 && good.answer.verdict == "good" && good.answer.code == "good")
        let revoked = try await check(cards.revoked, crl)
        #expect(revoked.code == 1 && revoked.answer.verdict == "revoked")
        let without = try await check(cards.good, [])
        #expect(without.code == 3 && without.answer.verdict == "undetermined" && without.answer.code == "no_crl")
        let stale = try await check(cards.good, crl + ["--max-age", "10m"])
        #expect(stale.code == 3 && stale.answer.code == "crl_stale")
        let early = try await check(cards.good, crl + ["--at", "2001-01-01T00:00:00Z"])
        #expect(early.code == 1 && early.answer.verdict == "untrusted" && early.answer.code == "not_yet_valid")
        let policy = try await check(cards.good, crl + ["--policy", "1.2.3"])
        #expect(policy.code == 1 && policy.answer.code == "policy")
        for arguments in [
            [], ["check"], ["check", "--anchor", "/nowhere", "/nowhere"], ["nonsense"], ["check", "--at", "yesterday"],
            ["check", "--anchor", cards.folder.path + "/central.jwk", cards.folder.path + "/central.jwk"],
        ] {
            let result = try await kazashi(arguments)
            #expect(arguments.isEmpty ? result.code == 0 : result.code == 2, "\(arguments): \(result.code)")
            if !arguments.isEmpty { #expect(!result.error.isEmpty && result.output.isEmpty) }
        }
    }

    @Test("--help helps, on standard output, with 0")
    func help() async throws {
        for arguments in [["--help"], ["run", "--help"], ["check", "--help"], ["registration", "import", "--help"]] {
            let result = try await kazashi(arguments)
            #expect(result.code == 0 && result.output.contains("USAGE"))
        }
    }

    @Test("A wrong configuration ends with 2, naming file and key, and what to do in two languages")
    func wrongConfiguration() async throws {
        let text = try String(contentsOfFile: cards.folder.configuration, encoding: .utf8)
        let file = try cards.folder.write(
            "wrong.toml", Array(text.replacingOccurrences(of: "[panel]", with: "[panel]\nlight = 1").utf8))
        let result = try await kazashi(["run", "--config", file])
        #expect(result.code == 2)
        #expect(result.error.contains("wrong.toml: panel.light: unknown key"), "\(result.error)")
        #expect(result.error.contains("キー"))
        #expect(try await kazashi(["run", "--config", "/nowhere/kazashi.toml"]).code == 2)
    }

    @Test("A wrong storage key is refused with 2, by name, and the database is left as it is")
    func wrongStorageKey() async throws {
        let folder = cards.folder
        let records = folder.path + "/registrations.json"
        let imported = try await kazashi([
            "registration", "import", "--config", folder.configuration, records, "--json",
        ])
        #expect(imported.code == 0 && imported.output.contains(#""stored":2"#), "\(imported.error)")
        let database = folder.path + "/state/kazashi.sqlite"
        let before = try Data(contentsOf: URL(filePath: database))
        try folder.write("other.key", try SecureRandom.shared.bytes(32), mode: 0o600)
        let text = try String(contentsOfFile: folder.configuration, encoding: .utf8)
        let file = try folder.write(
            "other.toml", Array(text.replacingOccurrences(of: "storage.key", with: "other.key").utf8))
        for command in [["registration", "list"], ["run"]] {
            let result = try await kazashi(command + ["--config", file])
            #expect(result.code == 2 && result.error.contains("wrong_key"), "\(result.error)")
        }
        #expect(try Data(contentsOf: URL(filePath: database)) == before)
    }

    @Test("import from standard input; a skipped record makes it 1 and is named by its index")
    func partialImport() async throws {
        let path = cards.folder.path + "-partial"
        let other = try PilotCards.make(in: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let records = try JSONSerialization.data(withJSONObject: [["birth_date": "x"], other.records[0]])
        let result = try await kazashi(
            ["registration", "import", "--config", other.folder.configuration, "-"],
            input: String(decoding: records, as: UTF8.self))
        #expect(result.code == 1)
        #expect(result.error.contains("record 0: skipped") && result.error.contains("1 stored, 1 skipped"))
        let garbage = try await kazashi(
            ["registration", "import", "--config", other.folder.configuration, "-"], input: "{")
        #expect(garbage.code == 2)
    }
}
