import Cryptography
import Foundation
import Glibc
import Pilot
import Registrations
import Service
import Settings
import Testing

/// What a power cut left of files that were to take another's place: it goes where the kiosk starts and where keys are
/// written, and nothing else does.
@Suite struct LeftoverTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()

    /// What is left of some hidden files after `body`, one of which somebody is writing.
    private func left(in folder: String, after body: () async throws -> Void) async throws -> [String] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: self.folder) }
        let others = [".time-7-8.new", ".mine.new", ".kiosk-es256.pem.new", ".time-7-x.new", "time-7-8.new"]
        for name in [".time-12-345.new", ".clock-1-2.new", ".kiosk-es256.pem-99-4294967295.new"] + others {
            #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data([1])))
        }
        let writing = open(folder + "/.time-7-8.new", O_RDWR | O_CLOEXEC)
        defer { close(writing) }
        #expect(flock(writing, LOCK_EX) == 0)
        try await body()
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        #expect(names.isSuperset(of: others))
        return names.filter { $0.hasSuffix(".new") }.filter { !others.contains($0) }.sorted()
    }

    @Test("Of the state folder, when the kiosk opens it")
    func state() async throws {
        let left = try await left(in: folder + "/state") {
            _ = try KioskDatabase(
                state: folder + "/state", storageKey: SecretBytes(copying: [UInt8](repeating: 7, count: 32)),
                platform: "https://platform.example", libraries: [], now: { nil })
        }
        #expect(left.isEmpty)
    }

    @Test("Of a folder of keys, whenever one is written")
    func keys() async throws {
        #expect(try await left(in: folder + "/keys") { try SigningKeyFile.createKeys(in: folder + "/keys") }.isEmpty)
        let pilot = folder + "/pilot"
        let left = try await left(in: pilot) {
            _ = try PilotFolder(pilot)
            let file = try Configuration(file: pilot + "/kazashi.toml").signingKeyFile
            try file.prepare()
            #expect(!FileManager.default.fileExists(atPath: pilot + "/.clock-1-2.new"))
            let late = pilot + "/.kiosk-es256.pem-5-6.new"
            #expect(FileManager.default.createFile(atPath: late, contents: Data([1])))
            try file.activate()
        }
        #expect(left.isEmpty)
    }

    @Test("Of the folder of metrics, at the first ones")
    func metrics() async throws {
        let left = try await left(in: folder + "/metrics") {
            #expect(await MetricsFile(path: folder + "/metrics/kazashi.prom").replace(with: "kazashi_up 1\n"))
        }
        #expect(left.isEmpty)
    }
}
