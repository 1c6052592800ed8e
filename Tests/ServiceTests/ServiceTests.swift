import Foundation
import Glibc
import Logging
import Service
import Synchronization
import TestRig
import Testing

@Suite struct ServiceManagerTests {
    @Test("One datagram a message; a status is one line", arguments: [false, true])
    func messages(isAbstract: Bool) throws {
        let socket = try NotifySocket(isAbstract: isAbstract)
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
            log.notice("new")
            log.critical("worst")
            log.debug("not told")
        }
        #expect(
            lines == [
                "<6>kazashi: tap code=ok ms=12.5", "<4>kazashi: two lines", "<3>kazashi: bad", "<5>kazashi: new",
                "<2>kazashi: worst",
            ])
    }

    @Test("What is only for whoever looks for a fault has the lowest priority")
    func debug() throws {
        let lines = try lines(true) { log in
            var log = log
            log.logLevel = .trace
            log.debug("a")
            log.trace("b")
        }
        #expect(lines == ["<7>kazashi: a", "<7>kazashi: b"])
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
