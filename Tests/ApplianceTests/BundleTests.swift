import Foundation
import Glibc
import RealStackSuite
import TestRig
import Testing

extension RealStack {
    /// The image's script for updates, and its RAUC, before bundles with every fault.
    @Suite(
        .timeLimit(.minutes(5)),
        .enabled(
            if: ApplianceBoard.pc.isThere || getenv("CI") != nil, "needs what board/image x86_64 leaves, and root"))
    struct BundleTests {
        /// As `board/dev/judge-bundles` prints it.
        private static let judged = """
            good: installed
            another-was-read: V4 0.5.1 installed
            stranger: V1
            expired: V1
            revoked: V1
            purpose: V1
            same:
            older: V2 0.4.9
            tried-before: V3 0.5.9
            another-board: V1 0.5.1
            truncated: V1
            beginning-only: V1
            unsigned: V1
            no-bundle:
            """

        @Test("Only a newer bundle of this board's, whole and signed by a signer of its CA's, is installed")
        func bundles() async throws {
            let result = try await ChildProcess.run(ApplianceBoard.repository + "/board/dev/judge-bundles", [])
            let lines = result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(lines.joined(separator: "\n") == Self.judged, "\(result.error)")
        }
    }
}
