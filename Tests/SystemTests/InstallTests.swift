import RealStackSuite
import Foundation
import TestRig
import Testing

extension RealStack {
    /// The technician's script, on trees that nobody boots.
    @Suite(.enabled(if: ServiceTree.boots, "needs root and the tree that board/tree makes"))
    struct InstallTests {
        private static let enabled = "/etc/systemd/system/multi-user.target.wants/kazashi.service"

        private func isEnabled(_ tree: DebianTree) -> Bool {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: tree.root + Self.enabled)) != nil
        }

        @Test("From a folder with blanks in its name; who disabled the service finds it disabled after an upgrade")
        func upgrade() async throws {
            let tree = try await DebianTree()
            let checkout = tree.root + " with blanks"
            defer { try? FileManager.default.removeItem(atPath: checkout) }
            // What it links is there; the program itself comes by a path with blanks, too.
            try await tree.install()
            #expect(isEnabled(tree))
            try await DebianTree.shell(
                "mkdir \"$2\" && cd \"$1\" && cp -a board systemd README.md \"$2\" && cp \"$3\" \"$2/a program\"",
                DebianTree.repository, checkout, Programs.kazashi)
            func install(_ words: String...) async throws -> (code: Int32, output: String, error: String) {
                try await ChildProcess.run(checkout + "/board/install", words + ["--root", tree.root])
            }
            try FileManager.default.removeItem(atPath: tree.root + Self.enabled)
            let upgraded = try await install("--binary", checkout + "/a program")
            #expect(upgraded.code == 0, "\(upgraded)")
            #expect(!isEnabled(tree))
            let removed = try await install("--uninstall")
            #expect(removed.code == 0, "\(removed)")
            let left = try await ChildProcess.run(
                "/usr/bin/find", [tree.root + "/usr", "-path", "*kazashi*", "-not", "-name", "kazashi-lab"])
            #expect(left.output.isEmpty)
            // Installed anew it is new.
            #expect(try await install("--binary", checkout + "/a program").code == 0)
            #expect(isEnabled(tree))
            await tree.remove()
        }

        @Test("Built as whose checkout it is: nothing of root's is left in it")
        func builtByOwner() async throws {
            let tree = try await DebianTree()
            try await tree.install()
            let (checkout, swift) = (tree.root + "-checkout", tree.root + "-swift")
            // A compiler that brings what was built before, and says who asked.
            try await DebianTree.shell(
                """
                mkdir "$2" "$3" && cd "$1" && cp -a board systemd README.md "$2" && chown -R games "$2"
                printf '#!/bin/sh\nmkdir -p .build/release; id -un >.build/who; cp "%s" .build/release/kazashi\n' "$4" >"$3/swift"
                chmod 0755 "$3" "$3/swift"
                """, DebianTree.repository, checkout, swift, Programs.kazashi)
            let result = try await ChildProcess.run(
                "/usr/bin/env",
                ["PATH=\(swift):/usr/sbin:/usr/bin:/sbin:/bin", checkout + "/board/install", "--root", tree.root])
            #expect(result.code == 0, "\(result)")
            let who = try? String(contentsOfFile: checkout + "/.build/who", encoding: .utf8)
            #expect(who == "games\n")
            let left = try await ChildProcess.run("/usr/bin/find", [checkout, "!", "-user", "games"])
            #expect(left.output.isEmpty, "\(left)")
            try await DebianTree.shell("rm -rf \"$1\" \"$2\"", checkout, swift)
            await tree.remove()
        }

        @Test(
            "A program of another release of Debian is refused, with what it lacks and what to do",
            .enabled(
                if: FileManager.default.fileExists(atPath: DebianTree.original + "-13"), "needs a tree of Debian 13"))
        func otherRelease() async throws {
            let tree = try await DebianTree(of: DebianTree.original + "-13")
            let result = try await ChildProcess.run(
                DebianTree.repository + "/board/install", ["--binary", Programs.kazashi, "--root", tree.root])
            #expect(result.code == 2, "\(result)")
            // Packages are asked for by what the program links, not by a list of ours.
            #expect(result.error.contains("libmbedcrypto7"), "\(result)")
            #expect(result.error.contains("libmbedx509-1"), "\(result)")
            #expect(result.error.contains("another release of Debian"), "\(result)")
            #expect(!isEnabled(tree))
            await tree.remove()
        }
    }
}
