import Foundation
import Glibc
import Laboratory
import Synchronization
import Testing

/// A Debian system with Kazashi, booted by systemd-nspawn; pcscd with the virtual reader, a serial display and a library's desk
/// are inside.
final class ServiceTree: Sendable {
    /// Whether there is a tree that boots here (`board/tree`).
    static var boots: Bool {
        access(DebianTree.original + ".boots", F_OK) == 0 && getuid() == 0 && Programs.isInPrivateNamespace
    }

    let files: DebianTree
    private let machine: ChildProcess
    private let leader: String
    private let desk = Mutex<ChildProcess?>(nil)
    /// What stands on the display, as it changes.
    let display: ChildProcess
    private let madeSystemFolder: Bool

    /// Installs and boots; the service waits for its configuration.
    init() async throws {
        files = try await DebianTree()
        // nspawn wants to see a running systemd, and where there is none a folder does.
        madeSystemFolder = access("/run/systemd/system", F_OK) != 0
        try await DebianTree.shell("mkdir -p /run/systemd/system")
        machine = try ChildProcess(
            "/usr/bin/systemd-nspawn",
            ["--register=no", "--keep-unit", "-q", "-D", files.root, "-b", "--private-network", "--console=pipe"])
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
        guard found.code == 0 else {
            throw DebianTree.Problem(description: "the tree does not boot: \(machine.standardOutput)")
        }
        let nsenter = ["-t", leader, "-a"]
        func inside(_ words: String...) async throws {
            let result = try await ChildProcess.run("/usr/bin/nsenter", nsenter + words)
            guard result.code == 0 else {
                throw DebianTree.Problem(description: "\(words): \(result.output)\(result.error)")
            }
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
        try files.write(
            """
            [Service]
            DeviceAllow=char-pts rw
            WatchdogSec=3
            TimeoutAbortSec=1
            RestartSec=200ms

            """, to: "/etc/systemd/system/kazashi.service.d/test.conf")
        try await inside("systemctl", "daemon-reload")
        try files.configure()
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
        await files.remove()
    }
}
