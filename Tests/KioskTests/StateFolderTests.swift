@testable import Kiosk
import Foundation
import Pilot
import TestRig
import Testing

@Suite(.enabled(if: Programs.isInPrivateNamespace, "needs the private namespaces that board/test makes"))
struct StateFolderTests {
    @Test(
        "A folder takes something where it is not read-only and has a megabyte left; one that is not there takes nothing"
    )
    func room() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func mount(_ options: String) async throws {
            let result = try await ChildProcess.run("/bin/mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
            #expect(result.code == 0, "\(result.error)")
        }
        func unmount() async throws { _ = try await ChildProcess.run("/bin/umount", [folder]) }
        for (options, isWritable, isReadOnly) in [
            ("size=1m", true, false), ("size=1020k", false, false), ("size=8m,ro", false, true),
        ] {
            try await mount(options)
            #expect(StateFolder.isWritable(folder) == isWritable, "\(options)")
            #expect(StateFolder.isReadOnly(folder) == isReadOnly, "\(options)")
            try await unmount()
        }
        #expect(!StateFolder.isWritable(folder + "/none") && !StateFolder.isReadOnly(folder + "/none"))
    }
}
