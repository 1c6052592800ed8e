import Foundation
import TestRig

/// A copy of a Debian tree that `board/tree` makes.
struct DebianTree: Sendable {
    static let repository = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    static let original = repository + "/.build/debian-tree"
    /// Debian 13 on arm64 (`board/tree arm64`), and the programs for it (`board/program arm64`).
    static let arm64 = original + "-arm64"
    static let arm64Programs = repository + "/.build/debian-13-arm64/bin"

    struct Problem: Error, CustomStringConvertible { let description: String }

    let root: String
    private let isForeign: Bool

    static func shell(_ words: String...) async throws {
        let result = try await ChildProcess.run("/bin/sh", ["-c", words[0], "sh"] + words.dropFirst())
        guard result.code == 0 else { throw Problem(description: "\(words): \(result.output)\(result.error)") }
    }

    init(of original: String = Self.original) async throws {
        root = Self.repository + "/.build/tree-\(UUID().uuidString.prefix(8))"
        isForeign = original == Self.arm64
        try await Self.shell("cp -a \"$1\" \"$2\"", original, root)
    }

    /// Installs Kazashi by the technician's script, and the laboratory beside it.
    func install() async throws {
        if isForeign {
            try await Self.shell(
                "cp \"$2/kazashi-lab\" \"$3/usr/bin\" && exec \"$1/board/emulate\" \"$1/board/install\" --binary \"$2/kazashi\" --root \"$3\"",
                Self.repository, Self.arm64Programs, root)
            return
        }
        // A debug build wants Swift's libraries where they were built against.
        try await Self.shell(
            "ldd \"$1\" | awk '/libswift|libFoundation|lib_Foundation|libdispatch|libBlocks/ {print $3}' | while read f; do install -D \"$f\" \"$2$f\"; done",
            Programs.laboratory, root)
        try await Self.shell("cp \"$1\" \"$2/usr/bin/kazashi-lab\"", Programs.laboratory, root)
        try await Self.shell(
            "exec \"$1/board/install\" --binary \"$2\" --root \"$3\"", Self.repository, Programs.kazashi, root)
    }

    /// Puts a file of the repository's into its place.
    func put(_ file: String, at path: String) async throws {
        try await Self.shell("install -D -m 0644 \"$1\" \"$2\"", Self.repository + file, root + path)
    }

    /// Writes a file, and the folders that it is in.
    func write(_ text: String, to path: String) throws {
        let file = URL(filePath: root + path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// The technician's file, filled in for the pilot in /srv/pilot.
    func configure(
        timeSource: String = "system", display: String = "cd5220:/run/kazashi-display", panel: String = ""
    ) throws {
        let text = """
            [kiosk]
            id = "kiosk-07.lib.example"
            min_gap = "0s"
            state = "/var/lib/kazashi"
            storage_key = "credential:storage.key"
            signing_key = "credential:kiosk-es256.pem"
            [time]
            source = "\(timeSource)"
            [trust]
            anchors = ["/srv/pilot/anchors"]
            card_anchors = ["/srv/pilot/card-anchors.json"]
            policies = ["1.2.392.200149.8.5.1.3.30"]
            test = true
            [revocation]
            files = ["/srv/pilot/crl"]
            [platform]
            issuer = "https://mkpf.example"
            [[library]]
            name = "central"
            audience = "https://ils.example"
            url = "http://127.0.0.1:8935/events"
            receiver_key = "/srv/pilot/central.jwk"
            acknowledgement_key = "/srv/pilot/central-sign.jwk"
            [panel]
            display = "\(display)"
            \(panel)
            [service]
            metrics = "/run/kazashi/kazashi.prom"

            """
        try write(text, to: "/etc/kazashi/kazashi.toml")
    }

    /// The technician's script takes Kazashi away again.
    func uninstall() async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run(Self.repository + "/board/install", ["--uninstall", "--root", root])
    }

    func remove() async { try? await Self.shell("rm -rf \"$1\"", root) }
}
