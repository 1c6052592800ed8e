import Foundation
import Glibc
import Laboratory
import Panel
import TestRig
import Testing

/// What makes a board an appliance: units, rules, overlays, and the documents.
@Suite struct BoardTests {
    private static func has(_ program: String) -> Bool { access(program, X_OK) == 0 }

    @Test(
        "The service is exposed by 1.9 at the most, by systemd's own account: 0.6 of it are the two calls that read the clock",
        .enabled(if: has("/usr/bin/systemd-analyze"), "needs systemd-analyze"))
    func exposure() async throws {
        // As it is when its drop-in is read.
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let parts = try ["kazashi.service", "sandbox.conf"].map {
            try String(contentsOfFile: DebianTree.repository + "/systemd/" + $0, encoding: .utf8)
        }
        let unit = folder.appending(path: "kazashi.service")
        try parts.joined(separator: "\n").write(to: unit, atomically: true, encoding: .utf8)
        let result = try await ChildProcess.run(
            "/usr/bin/systemd-analyze", ["security", "--offline=yes", "--threshold=19", "--no-pager", unit.path()])
        #expect(result.code == 0, "\(result.output.suffix(200)) \(result.error)")
    }

    @Test(
        "The overlays compile without a word", .enabled(if: has("/usr/bin/dtc"), "needs device-tree-compiler"),
        arguments: ["kazashi-panel", "kazashi-panel-gpio", "kazashi-panel-i2c"])
    func overlays(name: String) async throws {
        let result = try await ChildProcess.run(
            "/usr/bin/dtc",
            ["-@", "-I", "dts", "-O", "dtb", "-o", "/dev/null", DebianTree.repository + "/board/overlays/\(name).dts"])
        #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    }

    @Test(
        "The scripts are sound",
        arguments: [
            "install", "kazashictl", "make-keys", "tree", "private", "test", "demo", "fuzz", "lint", "requirements",
        ])
    func scripts(name: String) async throws {
        let result = try await ChildProcess.run("/bin/bash", ["-n", DebianTree.repository + "/board/" + name])
        #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    }

    @Test(
        "What kazashictl can't do ends with 2 and says why, before anything is started",
        arguments: [
            (["key", "create"], "The service makes its keys itself"),
            (["key", "rotate"], "must not write its own key"),
            (["crl", "import", "--config", "/x", "list.crl"], "leave --config out"),
            (["crl", "import", "/proc/self/exe"], "name the file itself"), (["run"], "sudo kazashictl doctor"),
            ([], "sudo kazashictl doctor"),
        ])
    func kazashictl(arguments: [String], words: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, words) in [("systemctl", ""), ("systemd-run", "echo started"), ("id", "echo 0")] {
            let file = folder.appending(path: name)
            try "#!/bin/sh\n\(words)\n".write(to: file, atomically: true, encoding: .utf8)
            chmod(file.path(), 0o755)
        }
        let result = try await ChildProcess.run(
            "/usr/bin/env",
            ["PATH=\(folder.path()):/usr/bin:/bin", DebianTree.repository + "/board/kazashictl"] + arguments)
        #expect(result.code == 2 && result.error.contains(words) && result.output.isEmpty, "\(result)")
    }

    @Test("The appliance hands tokens of taps to the announcer alone, which wants them cleared")
    func cleared() throws {
        for room in ["Kiosk", "Doctor", "Settings", "Service", "ListKeeper", "Registrations", "kazashi"] {
            let folder = DebianTree.repository + "/Sources/" + room
            let files = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
                for way in ["Transmitter", "HTTPDelivery", "UDPDelivery", "DatagramSocket"] {
                    #expect(!text.contains(way), "\(room)/\(file) sends by itself")
                }
            }
        }
    }

    @Test("The demonstration installs what it needs, and none of the suite's judges")
    func requirements() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // A system with nothing installed, on which installing only tells.
        for (name, words) in [
            ("dpkg-query", "exit 1"), ("apt-get", "echo \"$@\""), ("sudo", "exec \"$@\""), ("swift", ""),
        ] {
            let file = folder.appending(path: name)
            try "#!/bin/sh\n\(words)\n".write(to: file, atomically: true, encoding: .utf8)
            chmod(file.path(), 0o755)
        }
        func asked(_ kind: String) async throws -> String {
            let result = try await ChildProcess.run(
                "/usr/bin/env",
                ["PATH=\(folder.path()):/usr/bin:/bin", DebianTree.repository + "/board/requirements", kind])
            #expect(result.code == 0, "\(result)")
            return result.error
        }
        let (demo, test) = (try await asked("demo"), try await asked("test"))
        for name in ["libmbedtls-dev", "pcscd", "vsmartcard-vpcd"] {
            #expect(demo.contains(name) && test.contains(name), "\(name)")
        }
        for name in ["chromium", "qemu-system-x86", "prometheus", "opensc", "mmdebstrap"] {
            #expect(!demo.contains(name) && test.contains(name), "\(name)")
        }
    }

    private static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: DebianTree.repository + "/" + path)), as: UTF8.self)
    }

    @Test("The documents' tables are the rooms' own words")
    func tables() throws {
        let documents = try Self.text(of: "board/docs/operate.md") + Self.text(of: "board/docs/flash.md")
        for table in CatalogueTables.all {
            #expect(documents.contains(table), "kazashi-lab panel prints the tables as they should be")
        }
    }

    @Test("The documents' pictures are what the display shows")
    func pictures() throws {
        let folder = "board/docs/panel"
        let names = try FileManager.default.contentsOfDirectory(atPath: DebianTree.repository + "/" + folder)
        #expect(names.count >= 8)
        for name in names {
            let message = try #require(Message.all.first { $0.name + ".svg" == name }, "\(name)")
            #expect(
                try Self.text(of: folder + "/" + name) == PanelPicture(message).svg,
                "kazashi-lab panel --svg FOLDER draws it as it should be")
        }
    }

    @Test("The README is short, and what it shows of the messages is the catalogue's")
    func readme() throws {
        let readme = try Self.text(of: "README.md")
        #expect(readme.utf8.count <= 9_000)
        let rows = Set(CatalogueTables.messages.split(separator: "\n"))
        let shown = readme.split(separator: "\n").filter { line in
            line.unicodeScalars.contains { (0xFF61...0xFF9F).contains($0.value) }
        }
        #expect(shown.count >= 4)
        for row in shown { #expect(rows.contains(row), "\(row)") }
    }

    @Test("The documents' links lead to files and headings that are there")
    func links() throws {
        func anchor(_ heading: Substring) -> String {
            heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
                .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
                .replacingOccurrences(of: " ", with: "-")
        }
        let names = [
            "flash", "fleet", "receive", "operate", "design", "security", "figures", "contributing", "changes",
        ]
        var found = 0
        for path in ["README.md"] + names.map({ "board/docs/\($0).md" }) {
            let folder = URL(filePath: DebianTree.repository + "/" + path).deletingLastPathComponent()
            for match in try Self.text(of: path).matches(of: /\]\(([^)\s]+)\)/) {
                let link = match.1
                guard !link.hasPrefix("http") else { continue }
                found += 1
                let parts = link.split(separator: "#", omittingEmptySubsequences: false)
                let target =
                    parts[0].isEmpty
                    ? URL(filePath: DebianTree.repository + "/" + path)
                    : folder.appending(path: String(parts[0])).standardized
                guard let text = try? String(contentsOf: target, encoding: .utf8) else {
                    #expect(FileManager.default.fileExists(atPath: target.path()), "\(path): \(link)")
                    continue
                }
                guard parts.count > 1 else { continue }
                let headings = text.split(separator: "\n").filter { $0.hasPrefix("#") }.map(anchor)
                #expect(headings.contains(String(parts[1])), "\(path): \(link)")
            }
        }
        #expect(found > 20)
    }
}
