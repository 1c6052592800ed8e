import Foundation
import Laboratory
import Pilot
import Revocation
import TestPKI
import TestRig
import Testing

/// What is served when an import does not come to its end.
@Suite(.timeLimit(.minutes(15))) struct RevocationCrashTests {
    @Test("Killed at any moment, 200 times: what is served is the old list or the new one, whole")
    func killed() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-crl-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var lists = LargeLists(folder: path + "/ca", entries: 1_500, hours: 1_000)
        let store = path + "/store"
        func arguments() -> [String] {
            [
                "crl", "import", "--store", store, "--issuer", lists.folder + "/ca.pem",
                lists.folder + "/national.crl",
            ]
        }
        try lists.write()
        let clock = ContinuousClock()
        let first = try ChildProcess(Programs.kazashi, arguments())
        #expect(await first.exitCode() == 0)
        var whole = Duration.zero
        let synthetic = SyntheticEntries(.four, thisUpdate: 0)
        var served = 1, replaced = 0
        for number in 2...201 {
            lists.number = number
            // So that lists are told apart by what is on them, too.
            lists.entries = 1_500 + number
            try lists.write()
            let start = clock.now
            let child = try ChildProcess(Programs.kazashi, arguments())
            if number == 2 {
                #expect(await child.exitCode() == 0)
                whole = start.duration(to: clock.now)
            } else {
                try await Task.sleep(for: whole * Double.random(in: 0.2...1.1))
                child.signal(SIGKILL)
                _ = await child.exitCode()
            }
            let contents = try RevocationStore(folder: store).open()
            #expect(contents.problems.isEmpty, "\(contents.problems)")
            let list = try #require(contents.lists.first)
            #expect(contents.lists.count == 1)
            let now = try #require(Int(list.numberText))
            #expect(now == served || now == number)
            #expect(list.index.count == (now == 1 ? 1_500 : 1_500 + now))
            try list.index.checkWhole()
            #expect(
                try list.index.reason(for: SerialNumber(contents: synthetic.serial(list.index.count - 1))) != nil)
            #expect(try list.index.reason(for: SerialNumber(contents: synthetic.serial(list.index.count))) == nil)
            if now == number { replaced += 1 }
            served = now
        }
        // The next one cleans up and is served.
        lists.number = 500
        try lists.write()
        let last = try ChildProcess(Programs.kazashi, arguments())
        #expect(await last.exitCode() == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: store)
        #expect(left.allSatisfy { !$0.hasSuffix(".new") }, "\(left), \(replaced) of 200 replaced")
    }
}

/// What needs file systems of its own.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Programs.isInPrivateNamespace, "needs the private namespaces that board/test makes"))
struct FullDiskTests {
    @Test("On a full disk and in a folder that can't be written the old list serves on, and the words say what to do")
    func full() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-disk-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (store, issuer) = (path + "/disk/store", path + "/ca/ca.pem")
        try FileManager.default.createDirectory(atPath: path + "/disk", withIntermediateDirectories: true)
        func shell(_ script: String) async throws -> Int32 {
            try await ChildProcess.run("/bin/sh", ["-c", script], input: []).code
        }
        #expect(try await shell("mount -t tmpfs -o size=400k none '\(path)/disk'") == 0)
        var lists = LargeLists(folder: path + "/ca", entries: 1_000)
        func take() async throws -> (code: Int32, output: String, error: String) {
            try lists.write()
            return try await ChildProcess.run(
                Programs.kazashi,
                ["crl", "import", "--store", store, "--issuer", issuer, "--json", path + "/ca/national.crl"], input: [])
        }
        func number() throws -> [String] { try RevocationStore(folder: store).open().lists.map(\.numberText) }
        #expect(try await take().code == 0)
        // An index that does not fit, serials that do not fit, and a disk without any room.
        for (entries, filler) in [(400_000, 0), (100_000, 300), (1_000, 400)] {
            lists.entries = entries
            lists.number += 1
            _ = try await shell("head -c \(filler)k /dev/zero > '\(path)/disk/filler'")
            let full = try await take()
            #expect(full.code == 3 && full.output.contains("store_unavailable"), "\(full)")
            #expect(full.error.contains("Free disk space") && full.error.contains("ディスク"))
            #expect(try number() == ["1"])
        }
        _ = try await shell("rm '\(path)/disk/filler'; mount -o remount,ro '\(path)/disk'")
        let readOnly = try await take()
        #expect(readOnly.code == 3 && readOnly.error.contains("Free disk space"), "\(readOnly)")
        #expect(try number() == ["1"])
        _ = try await shell("mount -o remount,rw '\(path)/disk'")
        lists.number += 1
        #expect(try await take().code == 0)
        #expect(try number() == ["\(lists.number)"])
        _ = try await shell("umount '\(path)/disk'")
    }
}
