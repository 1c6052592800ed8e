import Foundation
import Panel
import Pilot
import Provisioning
import Settings
import Testing

/// A board's data partition and its partition `setup`, as folders.
private final class Board {
    let root = FileManager.default.temporaryDirectory.appending(path: "kz-board-\(UUID().uuidString.prefix(8))").path()
    var setup: String { root + "/setup" }
    var kept: String { root + "/kept" }
    var credentials: String { root + "/credentials" }
    /// Made once: its keys take longer than all that is tried with it.
    private static let shared = Result {
        try PilotFolder(
            FileManager.default.temporaryDirectory.appending(path: "kz-pilot-\(UUID().uuidString.prefix(8))").path())
    }
    let pilot: PilotFolder

    init() throws {
        pilot = try Self.shared.get()
        for folder in [setup, kept, credentials, root + "/shipped"] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try "[kiosk]\nlanguage = \"ja\"\n".write(
            toFile: root + "/shipped/kazashi.toml", atomically: true, encoding: .utf8)
        // What the machine makes itself.
        try SigningKeyFile.createKeys(in: credentials)
        for name in ["anchors", "card-anchors.json", "central.jwk", "central-sign.jwk"] {
            try FileManager.default.copyItem(atPath: pilot.path + "/" + name, toPath: setup + "/" + name)
        }
        try write(try text())
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// As a technician fills in the template.
    func text(_ changes: KeyValuePairs<String, String> = [:]) throws -> String {
        var text = try String(contentsOfFile: pilot.configuration, encoding: .utf8)
            .replacing("state = \"state\"", with: "state = \"/var/lib/kazashi\"")
            .replacing("\"storage.key\"", with: "\"credential:storage.key\"")
            .replacing("\"kiosk-es256.pem\"", with: "\"credential:kiosk-es256.pem\"")
        for (old, new) in changes {
            #expect(text.contains(old))
            text = text.replacing(old, with: new)
        }
        return text
    }

    func write(_ text: String, to name: String = "kazashi.toml") throws {
        try text.write(toFile: setup + "/" + name, atomically: true, encoding: .utf8)
    }

    func start(
        isMounted: Bool = true, secrets: Provisioning.Secrets = .asked, lasts: Bool = true, takesReport: Bool = true,
        reset: Provisioning.Reset? = nil
    ) -> Provisioning.Result {
        Provisioning(
            setup: isMounted ? setup : nil, kept: kept, shipped: root + "/shipped", credentials: credentials,
            secrets: secrets, lasts: lasts, takesReport: takesReport, reset: reset
        ).run()
    }

    /// What a kiosk makes of what serves; nil where it can't run with it.
    var configuration: Configuration? {
        try? Configuration(file: kept + "/settings/kazashi.toml", credentials: credentials)
    }

    /// What a kiosk would read.
    var serving: String? { try? String(contentsOfFile: kept + "/settings/kazashi.toml", encoding: .utf8) }
    var folders: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: kept)) ?? []).filter { $0.hasPrefix("settings-") }
    }
}

@Suite struct ProvisioningTests {
    private let board: Board

    init() throws { board = try Board() }

    @Test("What lies on the partition serves from this start on, with all that it names, and is not copied twice")
    func adopted() throws {
        let right = try board.text()
        try board.write(right.replacing("[time]", with: "[tame]"))
        // None ever served: what display it names is looked up.
        let wrong = board.start()
        #expect(
            wrong.outcome.result == .none && wrong.unusable == Array(right.replacing("[time]", with: "[tame]").utf8))
        try board.write(right)
        let first = board.start()
        #expect(first.outcome == SetupOutcome(.adopted) && board.configuration?.kioskID == PilotFolder.kioskID)
        #expect(first.unusable == nil)
        #expect(board.serving == (try board.text()))
        #expect(FileManager.default.fileExists(atPath: board.kept + "/settings/anchors/authca-test.pem"))
        let folders = board.folders
        let second = board.start()
        #expect(second.outcome == SetupOutcome(.unchanged) && board.folders == folders)
        try board.write(try board.text(["min_gap = \"0s\"": "min_gap = \"3s\""]))
        let third = board.start()
        #expect(third.outcome == SetupOutcome(.adopted) && board.configuration?.minGap == 3)
        // The one before is gone.
        #expect(board.folders.count == 1 && board.folders != folders)
        // A file that it names is another.
        try board.write("not a certificate", to: "anchors/authca-test.pem")
        #expect(board.start().outcome.code == .wrong)
    }

    @Test("Its keys stay where they are, whatever is adopted")
    func keys() throws {
        _ = board.start()
        try "key".write(toFile: board.kept + "/credentials/storage.key", atomically: true, encoding: .utf8)
        try board.write(try board.text(["min_gap = \"0s\"": "min_gap = \"3s\""]))
        _ = board.start()
        #expect(
            try String(contentsOfFile: board.kept + "/settings/credentials/storage.key", encoding: .utf8) == "key")
    }

    @Test(
        "Under the names and in the encodings that Windows gives it",
        arguments: ["kazashi.toml", "kazashi.toml.txt", "KAZASHI.TOML", "Kazashi.toml.txt"])
    func windows(name: String) throws {
        try FileManager.default.removeItem(atPath: board.setup + "/kazashi.toml")
        let text = try board.text()
        try board.write("\u{FEFF}" + text.replacing("\n", with: "\r\n"), to: name)
        let result = board.start()
        #expect(result.outcome == SetupOutcome(.adopted) && board.configuration?.kioskID == PilotFolder.kioskID)
    }

    @Test(
        "The last good settings serve when the file is missing, damaged or wrong; code and line say why",
        arguments: [
            ("kiosk.id", "id = \"kiosk-07.lib.example\"", "id = \"\"", SetupCode.wrong, 2),
            ("unknown", "[time]", "[tame]", .wrong, 8),
            ("state", "state = \"/var/lib/kazashi\"", "state = \"/srv\"", .wrong, 4),
            ("signing key", "\"credential:kiosk-es256.pem\"", "\"credential:storage.key\"", .wrong, 6),
            ("not TOML", "[reader]", "[reader", .wrong, 11),
            ("installed", "anchors = [\"anchors\"]", "anchors = ['/etc/kazashi/anchors']", .wrong, 15),
            ("elsewhere", "anchors = [\"anchors\"]", "anchors = [\"../settings/anchors\"]", .wrong, 15),
            ("the keys' folder", "anchors = [\"anchors\"]", "anchors = [\"Credentials\"]", .wrong, 15),
            ("no secret", "anchors = [\"anchors\"]", "anchors = [\"credential:anchors\"]", .wrong, 15),
            ("names a path", "receiver_key = \"central.jwk\"", "shared_key = \"credential:../x\"", .wrong, 36),
            ("not of systemd's", "receiver_key = \"central.jwk\"", "shared_key = \"credential:鍵.jwk\"", .wrong, 36),
            (
                "the board's own", "receiver_key = \"central.jwk\"", "shared_key = \"credential:storage.key\"", .wrong,
                36
            ),
        ] as [(String, String, String, SetupCode, Int?)])
    func kept(what: String, old: String, new: String, code: SetupCode, line: Int?) throws {
        let wrong = try board.text([old: new])
        // Nothing has ever served.
        try board.write(wrong)
        let none = board.start()
        #expect(none.outcome.result == .none && none.outcome.code == code && board.configuration == nil, "\(none)")
        #expect(board.serving == "[kiosk]\nlanguage = \"ja\"\n")
        // Then something does.
        try board.write(try board.text())
        #expect(board.start().outcome.result == .adopted)
        try board.write(wrong)
        let kept = board.start()
        #expect(kept.outcome.result == .kept && kept.outcome.code == code)
        if let line { #expect(kept.outcome.line == line, "\(kept)") }
        #expect(board.configuration?.kioskID == PilotFolder.kioskID && board.folders.count == 1)
        let problem = try #require(kept.outcome.problem)
        #expect(problem.hasPrefix("U3 ") && !problem.contains(board.root), "\(problem)")
    }

    @Test("Each key, wrong in turn, is told by its line")
    func everyKey() throws {
        let board = """
            [board]
            host_name = "kiosk-07"
            address = "192.0.2.10/24"
            gateway = "192.0.2.1"
            name_servers = ["192.0.2.53"]
            time_servers = ["ntp.lib.example"]

            """
        let lines = try (self.board.text() + board).split(separator: "\n", omittingEmptySubsequences: false)
        try self.board.write(lines.joined(separator: "\n"))
        #expect(self.board.start().outcome == SetupOutcome(.adopted))
        var tried = 0
        for (index, line) in lines.enumerated() {
            guard let key = line.split(separator: " = ").first, line.contains(" = ") else { continue }
            var changed = lines
            changed[index] = "\(key) = { wrong = 1 }"
            try self.board.write(changed.joined(separator: "\n"))
            let outcome = self.board.start().outcome
            #expect(
                outcome.result == .kept && outcome.code == .wrong && outcome.line == index + 1, "\(key): \(outcome)")
            tried += 1
        }
        #expect(tried > 25)
    }

    @Test("A partition that can't be mounted, has no file or two, or holds too much is told by its own code")
    func otherCodes() throws {
        _ = board.start()
        #expect(board.start(isMounted: false).outcome.code == .unreadable)
        try FileManager.default.createDirectory(
            atPath: board.setup + "/anchors/a/b/c/d", withIntermediateDirectories: true)
        #expect(board.start().outcome.code == .tooLarge)
        try FileManager.default.removeItem(atPath: board.setup + "/anchors/a")
        #expect(board.start().outcome.code == nil)
        // Its length says that it is too large; nothing of it is read.
        func large(_ name: String) throws {
            let handle = open(board.setup + "/" + name, O_WRONLY | O_CREAT, 0o600)
            #expect(ftruncate(handle, 1 << 40) == 0)
            close(handle)
            #expect(board.start().outcome.code == .tooLarge, "\(name)")
            try FileManager.default.removeItem(atPath: board.setup + "/" + name)
        }
        try large("anchors/large")
        try board.write(try board.text(), to: "kazashi.toml.txt")
        #expect(board.start().outcome.problem?.contains("kazashi.toml and kazashi.toml.txt") == true)
        for name in ["kazashi.toml", "kazashi.toml.txt"] {
            try FileManager.default.removeItem(atPath: board.setup + "/" + name)
        }
        let missing = board.start()
        #expect(missing.outcome.code == .missing && missing.outcome.result == .kept)
        try large("kazashi.toml")
    }

    @Test("A data partition that takes nothing is told; what served serves")
    func notKept() throws {
        _ = board.start()
        try board.write(try board.text(["min_gap = \"0s\"": "min_gap = \"3s\""]))
        // Root may write everywhere: something is in the way.
        try FileManager.default.createDirectory(
            atPath: board.kept + "/settings.new/x", withIntermediateDirectories: true)
        let result = board.start()
        #expect(result.outcome.code == .notKept && result.outcome.result == .kept)
        #expect(board.configuration?.minGap == 0)
    }

    @Test("Whenever the power goes, the old settings serve or the new; what was half written is removed")
    func powerCut() throws {
        _ = board.start()
        try FileManager.default.createDirectory(
            atPath: board.kept + "/settings-1/anchors", withIntermediateDirectories: true)
        try "half".write(toFile: board.kept + "/settings-1/kazashi.toml", atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(
            atPath: board.kept + "/settings.new", withDestinationPath: board.kept + "/settings-1")
        #expect(board.start().outcome == SetupOutcome(.unchanged) && board.folders.count == 1)
    }

    /// The library's shared key as a credential, which lies on the partition under this name.
    private func shared() throws -> String {
        try board.text([
            "receiver_key = \"central.jwk\"": "suite = \"direct\"\nshared_key = \"credential:shared.jwk\"",
            "acknowledgement_key = \"central-sign.jwk\"": "",
        ])
    }

    @Test(
        "A secret is encrypted before the settings that want it serve; it is no part of them, and is not needed again")
    func secrets() throws {
        _ = board.start()
        try board.write(try shared())
        #expect(board.start().outcome.code == .wrong, "it is not there yet")
        let secret = try String(contentsOfFile: board.pilot.path + "/central-shared.jwk", encoding: .utf8)
        try board.write("no key", to: "shared.jwk")
        let wrong = board.start()
        #expect(
            wrong.outcome.code == .wrong && wrong.waitsFor == [], "nothing is taken in for settings that can't serve")
        #expect(board.configuration != nil, "what serves is left alone")
        try board.write(secret, to: "shared.jwk")
        let asked = board.start()
        #expect(asked.outcome == SetupOutcome(.kept) && asked.waitsFor == ["shared.jwk"] && asked.secrets == [])
        #expect(!FileManager.default.fileExists(atPath: board.credentials + "/shared.jwk"))
        // The image can't encrypt it.
        let refused = board.start(secrets: .refused)
        #expect(refused.outcome.result == .kept && refused.outcome.code == .notKept)
        #expect(board.serving == (try board.text()))
        // It can.
        try FileManager.default.copyItem(
            atPath: board.credentials + ".candidate/shared.jwk", toPath: board.credentials + "/shared.jwk")
        let taken = board.start(secrets: .taken)
        #expect(taken.outcome == SetupOutcome(.adopted) && taken.secrets == ["shared.jwk"] && taken.waitsFor == [])
        #expect(!FileManager.default.fileExists(atPath: board.kept + "/settings/shared.jwk"))
        // As the image does.
        try FileManager.default.removeItem(atPath: board.setup + "/shared.jwk")
        #expect(board.start().outcome == SetupOutcome(.unchanged))
        // The machine has lost it: what serves no longer can.
        try FileManager.default.removeItem(atPath: board.credentials + "/shared.jwk")
        #expect(board.start().outcome.code == .wrong)
    }

    @Test("A secret that is named as if it were none is refused, and the report says how it is written")
    func openSecret() throws {
        try board.write(try shared().replacing("credential:shared.jwk", with: "shared.jwk"))
        try FileManager.default.copyItem(
            atPath: board.pilot.path + "/central-shared.jwk", toPath: board.setup + "/shared.jwk")
        let outcome = board.start().outcome
        #expect(outcome.code == .wrong && outcome.result == .none)
        #expect(outcome.problem?.contains("\"credential:NAME\"") == true)
        #expect(board.folders == [], "nothing of it is kept")
    }

    @Test("Only what kazashi.toml names is taken: no registrations, no keys, nothing that was deleted")
    func others() throws {
        _ = board.start()
        for name in ["registrations.json.txt", "storage.key", "kazashi-report.new"] { try board.write("x", to: name) }
        for folder in ["$RECYCLE.BIN", "credentials", "System Volume Information"] {
            try FileManager.default.createDirectory(
                atPath: board.setup + "/" + folder, withIntermediateDirectories: true)
            try board.write("x", to: folder + "/storage.key")
        }
        try "key".write(toFile: board.kept + "/credentials/storage.key", atomically: true, encoding: .utf8)
        try board.write(try board.text(["min_gap = \"0s\"": "min_gap = \"3s\""]))
        #expect(board.start().outcome == SetupOutcome(.adopted))
        let there = try FileManager.default.contentsOfDirectory(atPath: board.kept + "/settings/").sorted()
        #expect(
            there == ["anchors", "card-anchors.json", "central-sign.jwk", "central.jwk", "credentials", "kazashi.toml"])
        #expect(try String(contentsOfFile: board.kept + "/credentials/storage.key", encoding: .utf8) == "key")
    }

    @Test("Where the data partition can't be had no settings serve, and that is told on the display that they name")
    func inMemory() throws {
        let (result, text) = (board.start(lasts: false), try board.text())
        #expect(result.outcome.result == .none && result.outcome.code == .notKept)
        #expect(result.unusable == Array(text.utf8) && board.serving != text)
    }

    @Test("What came of a factory reset is told, whether there are settings or not")
    func reset() throws {
        let done = board.start(reset: .done).outcome
        #expect(done == SetupOutcome(.adopted, wasReset: true))
        #expect(board.start(reset: .refused).outcome.code == .notReset)
        let nothing = board.start(isMounted: false, reset: .done).outcome
        #expect(nothing.code == .unreadable && nothing.wasReset)
        try done.publish(in: board.root)
        #expect(SetupOutcome(file: board.root + "/" + SetupOutcome.name) == done)
    }

    @Test("A partition that nothing can be written on is told of; its settings serve")
    func unwritable() throws {
        let outcome = board.start(takesReport: false).outcome
        #expect(outcome.result == .adopted && outcome.code == .unwritable && board.configuration != nil)
        // What is wrong with the settings themselves comes first.
        try board.write("kiosk")
        #expect(board.start(takesReport: false).outcome.code == .wrong)
    }
}
