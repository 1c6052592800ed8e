import RealStackSuite
import Foundation
import Glibc
import Pilot
import TestRig
import Testing

extension RealStack {
    /// Debian 13's pcscd asks polkit who may use readers and cards.
    @Suite(
        .enabled(
            if: ServiceTree.boots && access(DebianTree.original + "-13", F_OK) == 0,
            "needs root, systemd-nspawn and the trees that board/tree makes"), .timeLimit(.minutes(3)))
    struct PolkitTests {
        private static let rules = "/usr/share/polkit-1/rules.d/50-kazashi.rules"

        /// Whether OpenSC gets to see the card as a user in no session, within ten seconds or at once.
        private func sees(_ system: BootedSystem, as user: String, tries: Int = 1) async throws -> Bool {
            try await system.run([
                "setpriv", "--reuid=\(user)", "--regid=nogroup", "--clear-groups", "/bin/sh", "-c",
                "for i in $(seq \(tries)); do timeout 20 opensc-tool --name | grep -q jpki && exit; sleep 0.1; done; exit 1",
            ]).code == 0
        }

        @Test("The rule lets exactly the kiosk's user use readers and cards")
        func rule() async throws {
            let files = try await DebianTree(of: DebianTree.original + "-13")
            let pilot = files.root + ".pilot"
            defer { try? FileManager.default.removeItem(atPath: pilot) }
            _ = try PilotCards.make(in: pilot)
            try await files.put("/systemd/kazashi.sysusers", at: "/usr/lib/sysusers.d/kazashi.conf")
            let system = try await BootedSystem(files.root)
            let result: Result<Void, any Error>
            do {
                result = .success(try await use(system, files, card: pilot + "/cards/good.json"))
            } catch {
                result = .failure(error)
            }
            await system.stop()
            await files.remove()
            try result.get()
        }

        private func use(_ system: BootedSystem, _ files: DebianTree, card: String) async throws {
            try await system.must("systemctl", "start", "pcscd.socket", "pcscd.service")
            // Until vpcd listens, on port 35963.
            try await system.must(
                "/bin/sh", "-c",
                "for i in $(seq 100); do grep -q ':8C7B .* 0A' /proc/net/tcp && exit; sleep 0.1; done; exit 1")
            let laid = try system.startBeside(Programs.laboratory, "tap", "--profile", card, "--hold", "150s")
            // Root is never asked about; vpcd tells of the card up to 400 ms after it was laid down.
            #expect(try await sees(system, as: "root", tries: 100))
            #expect(try await !sees(system, as: "kazashi"), "polkit is asked, and knows nothing of us")
            try await files.put("/board/polkit/kazashi.rules", at: Self.rules)
            // polkitd notices the new file by itself.
            #expect(try await sees(system, as: "kazashi", tries: 100))
            #expect(try await !sees(system, as: "nobody"))
            #expect(try await sees(system, as: "root"), "the card is still there")
            await laid.stop()
        }
    }
}
