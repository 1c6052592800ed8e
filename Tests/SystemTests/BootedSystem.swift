import Foundation
import Glibc
import TestRig

/// A Debian tree, booted by systemd-nspawn with a network of its own.
final class BootedSystem: Sendable {
    private let machine: ChildProcess
    private let leader: String
    private let madeSystemFolder: Bool

    init(_ root: String) async throws {
        // nspawn wants to see a running systemd, and where there is none a folder does.
        madeSystemFolder = access("/run/systemd/system", F_OK) != 0
        try await DebianTree.shell("mkdir -p /run/systemd/system")
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
        guard found.code == 0 else {
            throw DebianTree.Problem(description: "the tree does not boot: \(machine.standardOutput)")
        }
        // Until the system is up its manager does not answer.
        try await must(
            "/bin/sh", "-c",
            "for i in $(seq 300); do systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded|starting' && exit; sleep 0.1; done; exit 1"
        )
    }

    /// Runs a program in the system to its end.
    func run(_ words: [String], input: [UInt8] = []) async throws -> (code: Int32, output: String, error: String) {
        try await ChildProcess.run("/usr/bin/nsenter", ["-t", leader, "-a"] + words, input: input)
    }

    /// The same, of what has to succeed.
    func must(_ words: String...) async throws {
        let result = try await run(words)
        guard result.code == 0 else {
            throw DebianTree.Problem(description: "\(words): \(result.output)\(result.error)")
        }
    }

    /// A program in the system, going on.
    func start(_ words: String...) throws -> ChildProcess {
        try ChildProcess("/usr/bin/nsenter", ["-t", leader, "-a"] + words)
    }

    /// A program of ours that is only in the system's network.
    func startBeside(_ words: String...) throws -> ChildProcess {
        try ChildProcess("/usr/bin/nsenter", ["-t", leader, "-n"] + words)
    }

    func stop() async {
        await machine.stop()
        if madeSystemFolder { rmdir("/run/systemd/system") }
    }
}
