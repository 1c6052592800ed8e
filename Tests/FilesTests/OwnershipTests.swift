import Files
import Foundation
import Testing

/// Whoever writes there, the state is its owner's: root's helpers leave nothing that the service can't change.
@Suite(.enabled(if: geteuid() == 0, "only root writes for others"))
struct OwnershipTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
    private static let service: UInt32 = 65_534

    init() throws {
        mkdir(folder, 0o700)
        try #require(chown(folder, Self.service, Self.service) == 0)
    }

    private func owner(_ name: String) -> UInt32? {
        var information = stat()
        return lstat(folder + "/" + name, &information) == 0 ? information.st_uid : nil
    }

    @Test("A file that is replaced, published, made or locked by root belongs to the folder's owner")
    func files() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try DurableFile.replace(folder + "/replaced", with: [1])
        try DurableFile.replace(folder + "/replaced", with: [2])
        try DurableFile.publish(folder + "/published", [1])
        try Ownership.makeFile(folder + "/made")
        try Ownership.makeFolder(folder + "/inner", mode: 0o700)
        try DurableFile.replace(folder + "/inner/file", with: [1])
        do { _ = try FolderLock(folder: folder, patience: .zero) }
        for name in ["replaced", "published", "made", "inner", "inner/file", "lock"] {
            #expect(owner(name) == Self.service, "\(name)")
        }
        #expect(readFile(folder + "/replaced") == [2])
    }

    @Test("A folder whose group is root's, and whose owner is not, gets its files, too")
    func rootsGroup() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(chown(folder, Self.service, 0) == 0)
        try DurableFile.replace(folder + "/file", with: [1])
        #expect(owner("file") == Self.service)
    }

    @Test("What root once left in somebody else's folder becomes that folder's owner's when it is replaced")
    func leftByRoot() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try DurableFile.replace(folder + "/numbers", with: [1])
        try #require(chown(folder + "/numbers", 0, 0) == 0)
        try DurableFile.replace(folder + "/numbers", with: [2])
        #expect(owner("numbers") == Self.service)
    }

    @Test(
        "What takes a file's place belongs to whom that one did, also in a folder of root's; so does what is made like it"
    )
    func inherited() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(chown(folder, 0, 0) == 0)
        try DurableFile.replace(folder + "/key", with: [1])
        try #require(chown(folder + "/key", Self.service, Self.service) == 0)
        try DurableFile.replace(folder + "/key", with: [2])
        try DurableFile.replace(folder + "/key.next", with: [3], like: folder + "/key")
        #expect(owner("key") == Self.service)
        #expect(owner("key.next") == Self.service)
        // A link says nothing of whose a file is.
        symlink("key", folder + "/link")
        try DurableFile.replace(folder + "/link", with: [4])
        #expect(owner("link") == 0)
    }

    @Test("A link of root's own leads where root wants it to")
    func ownLink() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(chown(folder, 0, 0) == 0)
        mkdir(folder + "/real", 0o700)
        symlink("real", folder + "/link")
        try Ownership.makeFolder(folder + "/link", mode: 0o700)
        try DurableFile.replace(folder + "/link/file", with: [1])
        #expect(readFile(folder + "/real/file") == [1])
    }

    @Test("A link in somebody's folder is not followed: what it leads to stays whose it was")
    func links() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ours = folder + "-ours"
        try DurableFile.replace(ours, with: [7])
        defer { try? FileManager.default.removeItem(atPath: ours) }
        for name in ["lock", "made", "numbers"] { symlink(ours, folder + "/" + name) }
        #expect(throws: FilesError.self) { try FolderLock(folder: folder, patience: .zero) }
        try Ownership.makeFile(folder + "/made")
        #expect(throws: FilesError.self) { try DurableFile.write([1], at: 0, of: folder + "/numbers") }
        var information = stat()
        #expect(stat(ours, &information) == 0 && information.st_uid == 0)
        #expect(readFile(ours) == [7])
    }

    @Test("Root that works in somebody's folder is that user: a link there leads nowhere that this user may not go")
    func becoming() async {
        await #expect(processExitsWith: .success) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
            let (state, ours) = (folder + "/state", folder + "/root's")
            for path in [folder, state, ours] { mkdir(path, 0o755) }
            symlink(ours, state + "/store")
            guard chown(state, 65_534, 65_534) == 0, lchown(state + "/store", 65_534, 65_534) == 0 else { exit(1) }
            // Also without becoming that user.
            #expect(throws: FilesError.self) { try DurableFile.replace(state + "/store/file", with: [1]) }
            #expect(throws: FilesError.self) { try Ownership.makeFolder(state + "/store", mode: 0o700) }
            // Root's own folders leave root what it is.
            #expect(try !Ownership.become(ownerOf: ours + "/inner/file"))
            #expect(try Ownership.become(ownerOf: state + "/store/file"))
            #expect(geteuid() == 65_534 && getuid() == 65_534 && getegid() == 65_534)
            #expect(throws: FilesError.self) { try DurableFile.replace(state + "/store/file", with: [1]) }
            try DurableFile.replace(state + "/file", with: [1])
            #expect(setuid(0) != 0)
            #expect(names(in: ours) == [".", ".."])
        }
    }

    @Test("A path that begins at the working folder has the owner of the way there, too")
    func relative() async throws {
        try Data().write(to: URL(filePath: folder + "/file"))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            guard chdir(folder) == 0, Ownership.user(of: "file") == 65_534 else { exit(1) }
        }
    }

    @Test("A folder that somebody else holds is not waited for longer than one has patience")
    func held() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try FolderLock(folder: folder, patience: .zero)
        let refused = #expect(throws: FilesError.self) { try FolderLock(folder: folder, patience: .milliseconds(20)) }
        #expect(refused?.code == .held)
        withExtendedLifetime(first) {}
    }
}
