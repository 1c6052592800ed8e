import Announcement
import Foundation
import Glibc
import Kiosk
import Laboratory
import LibraryDesk
import Logging
import Synchronization
import Testing
import VirtualCard

@Suite struct ServiceManagerTests {
    @Test("One datagram a message; a status is one line")
    func messages() throws {
        let socket = try NotifySocket()
        defer { socket.close() }
        let manager = ServiceManager { $0 == "NOTIFY_SOCKET" ? socket.path : nil }
        manager.ready()
        manager.status("out of\nservice")
        manager.alive()
        manager.stopping()
        #expect((0..<4).map { _ in socket.next() } == ["READY=1", "STATUS=out of service", "WATCHDOG=1", "STOPPING=1"])
    }

    @Test("The watchdog is fed three times as often as it wants, and only by whom it means")
    func watchdog() {
        func manager(_ pid: String?) -> ServiceManager {
            ServiceManager(environment: { ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": pid ?? "7"][$0] }, pid: 7)
        }
        #expect(manager("7").watchdog == .seconds(10))
        #expect(manager("8").watchdog == nil)
        #expect(ServiceManager { _ in nil }.watchdog == nil)
    }

    @Test("No service manager, a name that is too long, nobody there: nothing happens")
    func nobody() {
        ServiceManager { _ in nil }.ready()
        ServiceManager { _ in String(repeating: "x", count: 300) }.ready()
        ServiceManager { _ in "/nowhere/at/all" }.ready()
    }
}

@Suite(.timeLimit(.minutes(1))) struct JournalLogTests {
    private func lines(_ hasPriorities: Bool, _ body: (Logger) -> Void) throws -> [String] {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let writer = JournalWriter(descriptor: ends[1])
        body(Logger(label: "kazashi") { JournalLog(label: $0, writer: writer, hasPriorities: hasPriorities) })
        writer.flush()
        close(ends[1])
        let text = String(
            decoding: try FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readToEnd() ?? Data(), as: UTF8.self
        )
        return text.split(separator: "\n").map(String.init)
    }

    @Test("Priorities of the journal, one line each, fields in order")
    func priorities() throws {
        let lines = try lines(true) { log in
            log.info("tap", metadata: ["ms": "12.5", "code": "ok"])
            log.warning("two\nlines")
            log.error("bad")
        }
        #expect(lines == ["<6>kazashi: tap code=ok ms=12.5", "<4>kazashi: two lines", "<3>kazashi: bad"])
    }

    @Test("Without a journal each line has its time and no priority")
    func terminal() throws {
        let lines = try lines(false) { $0.notice("here") }
        #expect(lines.count == 1 && lines[0].hasSuffix(" notice kazashi: here") && lines[0].hasPrefix("20"))
    }

    @Test("A journal that takes nothing more keeps nobody waiting; what is dropped is counted")
    func fullJournal() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let writer = JournalWriter(descriptor: ends[1])
        let log = Logger(label: "kazashi") { JournalLog(label: $0, writer: writer, hasPriorities: true) }
        let text = String(repeating: "x", count: 1_000)
        // The pipe holds 64 KiB, the queue a thousand lines more; this returns although nobody reads.
        for _ in 0..<5_000 { log.info("\(text)") }
        writer.flush(milliseconds: 1)
        // Somebody reads again: the count of what was dropped comes.
        let handle = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        var all = Data()
        while !String(decoding: all, as: UTF8.self).contains("log lines were dropped") {
            all += handle.availableData
        }
        #expect(String(decoding: all, as: UTF8.self).contains("<4>kazashi: "))
        close(ends[1])
    }
}

@Suite(.timeLimit(.minutes(2))) struct StatusTests {
    private func withPilot(_ body: (PilotCards, InProcessPilot) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        let pilot = try await InProcessPilot(
            folder: cards.folder, records: cards.records, reminderAfter: .milliseconds(50),
            leftCardAfter: .milliseconds(150))
        do {
            try await body(cards, pilot)
        } catch {
            await pilot.stop()
            throw error
        }
        await pilot.stop()
    }

    /// It blocks, so it has a thread of its own.
    private func ask(_ path: String, patience: Int = 30) async throws -> StatusReport {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try StatusSocket.ask(path, patience: patience) })
            }
        }
    }

    @Test("A report over the socket: state, lists, libraries, taps by code, and nobody's identity")
    func status() async throws {
        try await withPilot { cards, pilot in
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
            #expect(try await pilot.tap(CardInField(cards.revoked.profile)).code == "revoked")
            let path = cards.folder.path + "/status.sock"
            let runtime = pilot.runtime
            let socket = try StatusSocket(path) { await runtime.status().json }
            defer { socket.stop() }
            var information = stat()
            #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o660)
            let report = try await ask(path)
            #expect(report.state == "ready" && report.cause == nil && report.test)
            #expect(report.reader?.reader == true && report.lists.served == 1 && (report.lists.age ?? -1) >= 0)
            #expect(report.taps == ["ok": 1, "revoked": 1])
            #expect(report.libraries.map(\.name) == ["central"] && report.libraries.first?.acknowledged != nil)
            #expect(report.panel.map(\.part) == ["display"])
            let text = String(decoding: report.json, as: UTF8.self)
            for identity in PilotCards.identities { #expect(!text.contains(identity)) }
        }
    }

    @Test("No kiosk, no socket, a socket that nobody answers")
    func nobody() async throws {
        #expect(throws: StatusError.notRunning) { try StatusSocket.ask("/nowhere/status.sock") }
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        let silent = try StatusSocket(path) {
            try? await Task.sleep(for: .seconds(60))
            return []
        }
        defer { silent.stop() }
        await #expect(throws: StatusError.silent) {
            try await ask(path, patience: 1)
        }
        let garbled = path + "g"
        let other = try StatusSocket(garbled) { Array("{}".utf8) }
        defer { other.stop() }
        await #expect(throws: StatusError.malformed) {
            try await ask(garbled)
        }
    }

    @Test("A card that is left: its owner is reminded, the libraries are told once, nobody is named")
    func leftCard() async throws {
        try await withPilot { cards, pilot in
            let receipts = pilot.desk.receipts
            pilot.reader.insert(try CardInField(cards.unregistered.profile))
            #expect(await pilot.nextTap().code == "unregistered")
            for await receipt in receipts {
                guard case .kiosk(.cardLeft) = try receipt.result.get().event else { continue }
                break
            }
            #expect(pilot.shown.contains { $0.contains("Take your card") })
            pilot.reader.remove()
            #expect(try await pilot.tap(CardInField(cards.good.profile)).code == "ok")
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    @Test(
        "The textfile is replaced whole, for everybody to read; one that can't be written is said so, and the old one stays"
    )
    func file() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/kazashi.prom"
        let file = MetricsFile(path: path)
        #expect(await file.replace(with: "first\n"))
        // Whoever reads meanwhile keeps the file as it was.
        let reading = try #require(FileHandle(forReadingAtPath: path))
        #expect(await file.replace(with: "second\n"))
        #expect(try reading.readToEnd() == Data("first\n".utf8))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "second\n")
        var information = stat()
        #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["kazashi.prom"])
        #expect(await !MetricsFile(path: folder + "/no/kazashi.prom").replace(with: "third\n"))
    }

    private static let promtool = "/usr/bin/promtool"

    @Test(
        "promtool finds nothing to say, and no label names anybody",
        .enabled(if: access(promtool, X_OK) == 0, "needs Debian's prometheus"))
    func text() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        let pilot = try await InProcessPilot(folder: cards.folder, records: cards.records)
        _ = try await pilot.tap(CardInField(cards.good.profile))
        _ = try await pilot.tap(CardInField(cards.unregistered.profile))
        try await pilot.owedIsDelivered()
        let text = await pilot.runtime.metrics()
        await pilot.stop()
        for line in [
            #"kazashi_taps_total{code="ok",outcome="welcomed"} 1"#,
            #"kazashi_taps_total{code="unregistered",outcome="refused"} 1"#,
            #"kazashi_tap_stage_seconds_count{stage="total"} 2"#, "kazashi_reader_up 1",
            #"kazashi_outbox_depth{library="central"} 0"#,
            #"kazashi_build_info{version="\#(KazashiVersion.text)"} 1"#,
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        // The tap's, and maybe that of its end.
        #expect(text.contains(#"kazashi_library_acknowledgement_seconds_count{library="central"} "#))
        for identity in PilotCards.identities { #expect(!text.contains(identity)) }
        let result = try await ChildProcess.run(Self.promtool, ["check", "metrics"], input: Array(text.utf8))
        #expect(result.code == 0 && (result.output + result.error).isEmpty, "\(result)")
    }
}
