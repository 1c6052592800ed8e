import Foundation
import Glibc
import Laboratory
import Synchronization
import Testing

/// A Debian system of its own, booted by systemd-nspawn, with Kazashi installed by the technician's script; pcscd with the
/// virtual reader, a serial display and a library's desk are inside.
final class ServiceTree: Sendable {
    static let repository = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let original = repository + "/.build/debian-tree"

    /// Whether there is a tree that boots here (`board/tree`).
    static var boots: Bool { access(original + ".boots", F_OK) == 0 && getuid() == 0 && Programs.isInPrivateNamespace }

    private static let configuration = "/etc/kazashi/kazashi.toml"
    let root: String
    private let machine: ChildProcess
    private let leader: String
    private let desk = Mutex<ChildProcess?>(nil)
    /// What stands on the display, as it changes.
    let display: ChildProcess
    private let madeSystemFolder: Bool

    struct Problem: Error, CustomStringConvertible { let description: String }

    private static func shell(_ words: String...) async throws {
        let result = try await ChildProcess.run("/bin/sh", ["-c", words[0], "sh"] + words.dropFirst())
        guard result.code == 0 else { throw Problem(description: "\(words): \(result.output)\(result.error)") }
    }

    /// Installs and boots; the service waits for its configuration.
    init() async throws {
        root = Self.repository + "/.build/tree-\(UUID().uuidString.prefix(8))"
        try await Self.shell("cp -a \"$1\" \"$2\"", Self.original, root)
        // A debug build wants Swift's libraries where they were built against.
        try await Self.shell(
            "ldd \"$1\" | awk '/libswift|libFoundation|lib_Foundation|libdispatch|libBlocks/ {print $3}' | while read f; do install -D \"$f\" \"$2$f\"; done",
            Programs.laboratory, root)
        try await Self.shell("cp \"$1\" \"$2/usr/bin/kazashi-lab\"", Programs.laboratory, root)
        try await Self.shell(
            "exec \"$1/board/install\" --binary \"$2\" --root \"$3\"", Self.repository, Programs.kazashi, root)
        // nspawn wants to see a running systemd, and where there is none a folder does.
        madeSystemFolder = access("/run/systemd/system", F_OK) != 0
        try await Self.shell("mkdir -p /run/systemd/system")
        machine = try ChildProcess(
            "/usr/bin/systemd-nspawn",
            ["--register=no", "--keep-unit", "-q", "-D", root, "-b", "--private-network", "--console=pipe"])
        let found = try await ChildProcess.run(
            "/bin/sh",
            [
                "-c",
                // nspawn has short-lived children before its system's first process.
                "for i in $(seq 300); do for l in $(pgrep -P \(machine.pid)); do "
                    + "[ \"$(cat /proc/$l/comm)\" = systemd ] && grep -q '^NSpid:.*[[:space:]]1$' /proc/$l/status && echo $l && exit; "
                    + "done 2>/dev/null; sleep 0.1; done; exit 1",
            ])
        leader = found.output.trimmingCharacters(in: .whitespacesAndNewlines)
        guard found.code == 0 else { throw Problem(description: "the tree does not boot: \(machine.standardOutput)") }
        let nsenter = ["-t", leader, "-a"]
        func inside(_ words: String...) async throws {
            let result = try await ChildProcess.run("/usr/bin/nsenter", nsenter + words)
            guard result.code == 0 else { throw Problem(description: "\(words): \(result.output)\(result.error)") }
        }
        // Until the system is up its manager does not answer.
        try await inside(
            "/bin/sh", "-c",
            "for i in $(seq 300); do systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded|starting' && exit; sleep 0.1; done; exit 1"
        )
        try await inside("kazashi-lab", "pki", "init", "/srv/pilot", "--port", "8935")
        try await inside("chmod", "-R", "a+rX", "/srv/pilot")
        display = try ChildProcess(
            "/usr/bin/nsenter", nsenter + ["kazashi-lab", "display", "--link", "/run/kazashi-display"])
        try Data(
            """
            [Service]
            DeviceAllow=char-pts rw
            WatchdogSec=3
            TimeoutAbortSec=1
            RestartSec=200ms
            """.utf8
        ).write(to: URL(filePath: try folder("/etc/systemd/system/kazashi.service.d") + "/test.conf"))
        try await inside("systemctl", "daemon-reload")
        try configure()
    }

    private func folder(_ path: String) throws -> String {
        try FileManager.default.createDirectory(atPath: root + path, withIntermediateDirectories: true)
        return root + path
    }

    /// The technician's file, filled in for the pilot.
    func configure(timeSource: String = "system", panel: String = "") throws {
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
            display = "cd5220:/run/kazashi-display"
            \(panel)
            [service]
            metrics = "/run/kazashi/kazashi.prom"

            """
        try Data(text.utf8).write(to: URL(filePath: root + Self.configuration))
    }

    /// Runs a program in the system.
    @discardableResult
    func run(_ words: String...) async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run("/usr/bin/nsenter", ["-t", leader, "-a"] + words)
    }

    /// A command as the technician says it.
    @discardableResult
    func kazashi(_ words: String..., input: [UInt8] = []) async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run("/usr/bin/nsenter", ["-t", leader, "-a", "kazashictl"] + words, input: input)
    }

    /// The doctor, waiting for a card.
    func walking() throws -> ChildProcess {
        try ChildProcess("/usr/bin/nsenter", ["-t", leader, "-a", "kazashictl", "doctor", "--tap"])
    }

    func startDesk() throws {
        let child = try ChildProcess(
            "/usr/bin/nsenter", ["-t", leader, "-a", "kazashi-lab", "library", "--folder", "/srv/pilot"])
        desk.withLock { $0 = child }
    }

    /// The technician's script takes it away again.
    func uninstall() async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run(Self.repository + "/board/install", ["--uninstall", "--root", root])
    }

    /// A property of the service.
    func property(_ name: String) async throws -> String {
        try await run("systemctl", "show", "-p", name, "--value", "kazashi").output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Waits until the service says so of itself.
    func waits(forStatus text: String) async throws -> Bool {
        let words =
            "for i in $(seq 600); do systemctl show -p StatusText --value kazashi | grep -q \"$0\" && exit; sleep 0.1; done; exit 1"
        if try await run("/bin/sh", "-c", words, text).code == 0 { return true }
        // What it said instead is what whoever reads the failure needs.
        print(try await log.suffix(6_000))
        return false
    }

    /// Waits until the display has a text, for a minute at the most.
    func shows(_ text: String) async -> Bool {
        let display = display
        let limit = Task {
            if (try? await Task.sleep(for: .seconds(60))) != nil { display.signal(SIGKILL) }
        }
        defer { limit.cancel() }
        for await line in display.lines where line.contains(text) { return true }
        return false
    }

    var log: String {
        get async throws { try await run("journalctl", "-u", "kazashi", "--no-pager", "-o", "short").output }
    }

    func stop() async {
        for child in [desk.withLock { $0 }, display].compactMap({ $0 }) { await child.stop() }
        await machine.stop()
        if madeSystemFolder { rmdir("/run/systemd/system") }
        try? await Self.shell("rm -rf \"$1\"", root)
    }
}
