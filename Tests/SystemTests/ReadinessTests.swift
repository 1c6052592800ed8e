import Foundation
import Pilot
import Revocation
import TestRig
import Testing

/// Ready is not healthy: what the service manager is told, and when.
@Suite(.timeLimit(.minutes(2))) struct ReadinessTests {
    private struct Kiosk {
        let folder: PilotFolder
        let manager = Result { try NotifySocket() }

        init() throws {
            folder = try PilotFolder(
                FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path())
        }

        /// As the service manager starts it.
        func start(watchdog microseconds: Int = 600_000) throws -> ChildProcess {
            try ChildProcess(
                "/usr/bin/env",
                [
                    "NOTIFY_SOCKET=\(try manager.get().path)", "WATCHDOG_USEC=\(microseconds)", Programs.kazashi, "run",
                    "--config", folder.configuration,
                ])
        }

        /// The next message that is told of; the others are passed over.
        func next(where matches: (String) -> Bool) throws -> String? {
            while let message = try manager.get().next() {
                if matches(message) { return message }
            }
            return nil
        }

        func remove() {
            try? manager.get().close()
            try? FileManager.default.removeItem(atPath: folder.path)
        }
    }

    @Test("What hangs before the first reader is seen by the watchdog: ready at once, and not fed until all is open")
    func hangs() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        // A file that nobody writes to: opening it hangs as a disk that is gone does.
        let anchor = kiosk.folder.path + "/anchors/authca-test.pem"
        let certificate = try Data(contentsOf: URL(filePath: anchor))
        let hanging = kiosk.folder.path + "/hangs.pem"
        mkfifo(hanging, 0o600)
        let text = try String(contentsOfFile: kiosk.folder.configuration, encoding: .utf8)
        try text.replacing(/(?m)^anchors = .*$/, with: #"anchors = ["\#(hanging)"]"#)
            .write(toFile: kiosk.folder.configuration, atomically: true, encoding: .utf8)
        let process = try kiosk.start(watchdog: 300_000)
        let manager = try kiosk.manager.get()
        #expect(manager.next() == "READY=1")
        #expect(manager.next() == "STATUS=starting")
        // Opening it to write comes back when the kiosk waits at its other end: from there on it hung.
        let file = try FileHandle(forWritingTo: URL(filePath: hanging))
        #expect(manager.isSilent(milliseconds: 1_000))
        try file.write(contentsOf: certificate)
        try file.close()
        #expect(try kiosk.next { $0 == "WATCHDOG=1" } != nil)
        await process.stop()
        #expect(try kiosk.next { $0 == "STOPPING=1" } != nil)
    }

    @Test("A store of lists that hangs is seen by the watchdog, too, though everything else takes its turns")
    func storeHangs() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        let store = kiosk.folder.path + "/state/revocation"
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        mkfifo(store + "/hangs.index", 0o600)
        let process = try kiosk.start(watchdog: 300_000)
        let manager = try kiosk.manager.get()
        #expect(manager.next() == "READY=1")
        #expect(manager.next() == "STATUS=starting")
        #expect(manager.isSilent(milliseconds: 1_000))
        let file = try FileHandle(forWritingTo: URL(filePath: store + "/hangs.index"))
        try file.close()
        #expect(try kiosk.next { $0 == "WATCHDOG=1" } != nil)
        await process.stop()
    }

    @Test("A wrong configuration: the service stays up, says S1 on its panel and its socket, and reads the file again")
    func wrongConfiguration() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        let line = try SerialDisplay()
        var options = PilotFolder.Options()
        options.display = "cd5220:" + line.path
        try kiosk.folder.writeConfiguration(options)
        let right = try String(contentsOfFile: kiosk.folder.configuration, encoding: .utf8)
        func write(_ text: String) throws {
            try text.write(toFile: kiosk.folder.configuration, atomically: true, encoding: .utf8)
        }
        let isMended = { (message: String) in message.hasPrefix("STATUS=") && !message.contains("configuration") }
        // Not TOML at all: the panel's lines can be read all the same.
        try write(right.replacing("[trust]", with: "[trust"))
        let process = try kiosk.start()
        #expect(try kiosk.manager.get().next() == "READY=1")
        #expect(try kiosk.next { $0.contains("configuration (S1)") } != nil)
        #expect(try kiosk.next { $0 == "WATCHDOG=1" } != nil)
        #expect(await line.shows("Unavailable S1") != nil)
        let status = try await ChildProcess.run(
            Programs.kazashi, ["status", "--config", kiosk.folder.configuration, "--json"])
        #expect(status.code == 1 && status.output.contains(#""cause":"configuration""#), "\(status)")
        // Another mistake, then none.
        try write(right + "\n[nonsense]\n")
        #expect(try kiosk.next { $0.contains("configuration (S1)") } != nil)
        try write(right)
        #expect(try kiosk.next(where: isMended) != nil)
        #expect(await line.shows("Unavailable R2") != nil)
        await process.stop()
        #expect(process.standardError.contains("unknown key"))
        // What it names is wrong, and mended without a change of the file itself.
        let key = kiosk.folder.path + "/storage.key"
        try FileManager.default.moveItem(atPath: key, toPath: key + ".away")
        let again = try kiosk.start(watchdog: 60_000_000)
        #expect(try kiosk.next { $0.contains("configuration (S1)") } != nil)
        try FileManager.default.moveItem(atPath: key + ".away", toPath: key)
        again.signal(SIGHUP)
        #expect(try kiosk.next(where: isMended) != nil)
        await again.stop()
        line.stop()
    }

    @Test("A configuration that changed starts the kiosk anew at SIGHUP; one that can't be used changes nothing")
    func changedConfiguration() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        let file = kiosk.folder.configuration
        let right = try String(contentsOfFile: file, encoding: .utf8)
        // Nobody reads its messages while the doctor looks: fed seldom, they all find room.
        let process = try kiosk.start(watchdog: 60_000_000)
        #expect(try kiosk.next { $0.contains("card_service") } != nil)
        try (right + "\n[nonsense]\n").write(toFile: file, atomically: true, encoding: .utf8)
        process.signal(SIGHUP)
        while !process.standardError.contains("the configuration cannot be used") { await Task.yield() }
        // It goes on with what it had, and the doctor says that this is another one.
        try (right + "\n# changed\n").write(toFile: file, atomically: true, encoding: .utf8)
        let doctor = try await ChildProcess.run(Programs.kazashi, ["doctor", "--config", file])
        #expect(
            doctor.output.contains("WRONG     configuration: the kiosk runs with an older configuration"), "\(doctor)")
        process.signal(SIGHUP)
        #expect(try kiosk.next { $0 == "STOPPING=1" } != nil)
        #expect(await process.exitCode() == 0)
    }

    @Test("Told to read its lists again and then to end while it takes a large one, it ends, and the list is not taken")
    func endedWhileItReloads() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        let lists = kiosk.folder.path + "/crl"
        for name in try FileManager.default.contentsOfDirectory(atPath: lists) {
            try FileManager.default.removeItem(atPath: lists + "/" + name)
        }
        // Long enough to be in its middle when the signals come.
        let serials = (0..<400_000).map { number -> [UInt8] in
            [0x10, UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
        }
        let large = lists + "/large.crl"
        try Data(kiosk.folder.list(revoked: serials)).write(to: URL(filePath: large))
        let process = try kiosk.start(watchdog: 60_000_000)
        let descriptors = "/proc/\(process.pid)/fd"
        func isReading() -> Bool {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
            return names.contains {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)")) == large
            }
        }
        while !isReading() { await Task.yield() }
        process.signal(SIGHUP)
        process.signal(SIGTERM)
        #expect(await process.exitCode() == 0)
        #expect(try RevocationStore(folder: kiosk.folder.path + "/state/revocation").open().lists.isEmpty)
        #expect(!process.standardError.contains("rejected"))
    }

    @Test("Without a service manager a wrong configuration ends the command with 2, as before")
    func withoutManager() async throws {
        let kiosk = try Kiosk()
        defer { kiosk.remove() }
        try "[nonsense]\n".write(toFile: kiosk.folder.configuration, atomically: true, encoding: .utf8)
        let result = try await ChildProcess.run(
            "/usr/bin/env", ["-u", "NOTIFY_SOCKET", Programs.kazashi, "run", "--config", kiosk.folder.configuration])
        #expect(result.code == 2)
    }
}
