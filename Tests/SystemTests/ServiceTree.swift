import Foundation
import Glibc
import Synchronization
import TestRig
import Testing

/// A Debian system with Kazashi, booted by systemd-nspawn; pcscd with the virtual reader, a serial display and a library's desk
/// are inside.
final class ServiceTree: Sendable {
    /// Whether there is a tree that boots here (`board/tree`).
    static var boots: Bool {
        access(DebianTree.original + ".boots", F_OK) == 0 && getuid() == 0 && Programs.isInPrivateNamespace
    }

    let files: DebianTree
    private let system: BootedSystem
    private let desk = Mutex<ChildProcess?>(nil)
    /// What stands on the display, as it changes.
    let display: ChildProcess

    /// Installs and boots; the service waits for its configuration.
    init() async throws {
        files = try await DebianTree()
        try await files.install()
        system = try await BootedSystem(files.root)
        try await system.must("kazashi-lab", "pki", "init", "/srv/pilot", "--port", "8935")
        try await system.must("chmod", "-R", "a+rX", "/srv/pilot")
        display = try system.start("kazashi-lab", "display", "--link", "/run/kazashi-display")
        try files.write(
            """
            [Service]
            WatchdogSec=3
            TimeoutAbortSec=1
            RestartSec=200ms
            TasksMax=63

            """, to: "/etc/systemd/system/kazashi.service.d/override.conf")
        try await system.must("systemctl", "daemon-reload")
        try files.configure()
    }

    /// Runs a program in the system.
    @discardableResult
    func run(_ words: String...) async throws -> (code: Int32, output: String, error: String) {
        try await system.run(words)
    }

    /// A command as the technician says it.
    @discardableResult
    func kazashi(_ words: String..., input: [UInt8] = []) async throws -> (code: Int32, output: String, error: String) {
        try await system.run(["kazashictl"] + words, input: input)
    }

    /// The doctor, waiting for a card.
    func walking() throws -> ChildProcess { try system.start("kazashictl", "doctor", "--tap") }

    func startDesk() throws {
        let child = try system.start("kazashi-lab", "library", "--folder", "/srv/pilot")
        desk.withLock { $0 = child }
    }

    /// A property of the service.
    func property(_ name: String) async throws -> String {
        try await run("systemctl", "show", "-p", name, "--value", "kazashi").output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Properties of a unit, a line each.
    func show(_ unit: String, _ properties: [String]) async throws -> String {
        try await system.run(["systemctl", "show"] + properties + [unit]).output
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
        let limit = Task {
            // The program itself: whoever brought it into the system's namespaces holds nothing of its output.
            let words =
                "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -q 'kazashi-lab display' && kill -9 ${p#/proc/}; done"
            if (try? await Task.sleep(for: .seconds(60))) != nil { _ = try? await run("/bin/sh", "-c", words) }
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
        await system.stop()
        await files.remove()
    }
}
