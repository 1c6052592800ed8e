import Advice
import Certificates
import Clock
import Cryptography
import Foundation
import Logging
import OwnThreads
import Pilot
import Revocation
import Synchronization
import TestPKI
import TestRig
import Testing
import VirtualCard

@testable import ListKeeper
@testable import Files

/// What the keeper does when something else than a list changes.
@Suite(.ownThreads, .timeLimit(.minutes(2))) struct RevocationKeeperTests {
    private func withCards(_ body: (PilotCards) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-keep-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(PilotCards.make(in: path))
    }

    /// A store that the pilot's list was taken into.
    private func storeWithList(_ cards: PilotCards, _ anchors: [X509Certificate]) throws -> RevocationStore {
        let store = try RevocationStore(folder: cards.folder.path + "/store")
        let file = try #require(filesUnder(cards.folder.path + "/crl").first)
        _ = try store.take(
            UnverifiedRevocationList(der: try #require(readFile(file))), authorities: ListAuthorities(anchors),
            clock: nil)
        return store
    }

    /// A keeper of such a store, not opened yet, and how many lists it has published each time.
    private func withKeeper(
        _ body: (RevocationKeeper, _ store: RevocationStore, _ counts: @Sendable () -> [Int]) async throws -> Void
    ) async throws {
        try await withCards { cards in
            let anchors = try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
            let store = try storeWithList(cards, anchors)
            let counts = Mutex<[Int]>([])
            let keeper = RevocationKeeper(
                folder: store.folder, files: [cards.folder.path + "/crl"], urls: [], anchors: anchors,
                log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() }, clock: { nil },
                publish: { lists in counts.withLock { $0.append(lists.signed.count) } })
            try await body(keeper, store) { counts.withLock(\.self) }
        }
    }

    private func damageIndex(of store: RevocationStore) throws {
        let index = try #require(names(in: store.folder).first { $0.hasSuffix(".index") })
        try Data("damaged".utf8).write(to: URL(filePath: store.folder + "/" + index))
    }

    /// The next connection; nil when none comes in time.
    private func connection(at listener: Int32, milliseconds: Int32) -> Int32? {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, milliseconds) == 1 ? accept(listener, nil, nil) : nil
    }

    private struct Lines: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        let write: @Sendable (String) -> Void

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { write("\(event.message)") }
    }

    @Test("A list of the future that was taken before any clock was believed is told of as soon as one is, once")
    func clockComesLater() async throws {
        try await withCards { cards in
            let store = try RevocationStore(folder: cards.folder.path + "/state/revocation")
            let anchors = try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
            let far = try UnverifiedRevocationList(der: cards.folder.list(age: -24 * 366, number: 9))
            _ = try store.take(far, authorities: ListAuthorities(anchors), clock: nil)
            let clock = Mutex<TrustedTime?>(nil)
            let lines = Mutex<[String]>([])
            let keeper = RevocationKeeper(
                folder: store.folder, files: [], urls: [], anchors: anchors,
                log: Logger(label: "kazashi") { _ in Lines { line in lines.withLock { $0.append(line) } } },
                clock: { clock.withLock { $0 } }, publish: { _ in })
            func told() -> Int { lines.withLock { $0.count { $0.contains("lies ahead of the clock") } } }
            await keeper.open()
            await keeper.refreshIfChanged()
            #expect(told() == 0)
            clock.withLock { $0 = TrustedTime(asserted: Int64(time(nil))) }
            await keeper.refreshIfChanged()
            await keeper.refreshIfChanged()
            #expect(told() == 1)
        }
    }

    @Test(
        "An import that is ended from outside, at whatever moment, says nothing about its file: nobody is told anything"
    )
    func endedFromOutside() async throws {
        try await withCards { cards in
            let anchors = try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
            // More than is sorted in memory.
            let serials = (0..<120_000).map { number -> [UInt8] in
                [0x10, UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
            }
            let file = cards.folder.path + "/large.crl"
            try Data(cards.folder.list(revoked: serials)).write(to: URL(filePath: file))
            let lines = Mutex<[String]>([])
            func keeper(_ number: Int, publish: @escaping @Sendable (ServedLists) async -> Void) -> RevocationKeeper {
                RevocationKeeper(
                    folder: cards.folder.path + "/store-\(number)", files: [file], urls: [], anchors: anchors,
                    log: Logger(label: "kazashi") { _ in Lines { line in lines.withLock { $0.append(line) } } },
                    clock: { nil }, publish: publish)
            }
            let (served, continuation) = AsyncStream<Void>.makeStream()
            let first = keeper(0) { if !$0.signed.isEmpty { continuation.yield() } }
            let start = ContinuousClock.now
            let whole = Task {
                await first.open()
                await first.run()
            }
            for await _ in served { break }
            let length = start.duration(to: .now)
            whole.cancel()
            await whole.value
            for number in 1...20 {
                let next = keeper(number) { _ in }
                let task = Task {
                    await next.open()
                    await next.run()
                }
                try await Task.sleep(for: length * number / 20)
                task.cancel()
                await task.value
            }
            #expect(!lines.withLock { $0.contains { $0.contains("rejected") } })
        }
    }

    @Test("A file that was refused is told of once, and read again when it changes")
    func refusedOnce() async throws {
        try await withCards { cards in
            let (crl, anchors) = (
                cards.folder.path + "/crl", try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
            )
            try Data("no list".utf8).write(to: URL(filePath: crl + "/bad.crl"))
            let lines = Mutex<[String]>([])
            let (served, continuation) = AsyncStream<Int>.makeStream()
            let keeper = RevocationKeeper(
                folder: cards.folder.path + "/store", files: [crl], urls: [], anchors: anchors,
                log: Logger(label: "kazashi") { _ in Lines { line in lines.withLock { $0.append(line) } } },
                clock: { nil }, publish: { continuation.yield($0.signed.count) })
            func told() -> Int { lines.withLock { $0.count { $0.contains("rejected") } } }
            let running = Task {
                await keeper.open()
                await keeper.run()
            }
            var counts = served.makeAsyncIterator()
            while await counts.next() != 1 {}
            // Each list that comes makes it look at the folder again.
            for (count, city) in [(2, "Hachioji-shi"), (3, "Mitaka-shi")] {
                try cards.folder.writeList(city: city)
                while await counts.next() != count {}
                #expect(told() == 1)
            }
            try Data("another".utf8).write(to: URL(filePath: crl + "/bad.crl"))
            while told() == 1 { await Task.yield() }
            running.cancel()
            await running.value
            #expect(told() == 2)
        }
    }

    @Test("A damaged store is opened and told of at once; its lists are read again only when the kiosk runs")
    func opensAtOnce() async throws {
        try await withKeeper { keeper, store, counts in
            try damageIndex(of: store)
            await keeper.open()
            #expect(counts() == [0])
            let running = Task { await keeper.run() }
            while counts().last != 1 { await Task.yield() }
            running.cancel()
            await running.value
        }
    }

    @Test("What was damaged while the kiosk ran is taken again when the store is looked at again")
    func damagedLater() async throws {
        try await withKeeper { keeper, store, counts in
            await keeper.open()
            await keeper.reload()
            #expect(counts().last == 1)
            try damageIndex(of: store)
            await keeper.reload()
            #expect(counts().contains(0) && counts().last == 1)
        }
    }

    @Test("A store that forgot its numbers has them made anew, and says so, where nothing else is damaged")
    func numbers() async throws {
        try await withCards { cards in
            let anchors = try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
            let store = try storeWithList(cards, anchors)
            let lines = Mutex<[String]>([])
            let keeper = RevocationKeeper(
                folder: store.folder, files: [], urls: [], anchors: anchors,
                log: Logger(label: "kazashi") { _ in Lines { line in lines.withLock { $0.append(line) } } },
                clock: { nil }, publish: { _ in })
            await keeper.open()
            try Data("damaged".utf8).write(to: URL(filePath: store.folder + "/numbers"))
            await keeper.repair()
            #expect(
                lines.withLock { $0.contains(ListNote.numbersRebuilt.advice.happened.english) },
                "\(lines.withLock { $0 })")
        }
    }

    @Test("A URL that is wanted while its fetch is under way is fetched again at once")
    func wanted() async throws {
        try await withCards { cards in
            let (listener, port) = try LoopbackSocket.bound(SOCK_STREAM)
            defer { close(listener) }
            #expect(listen(listener, 64) == 0)
            let keeper = RevocationKeeper(
                folder: cards.folder.path + "/state/revocation", files: [], urls: ["http://127.0.0.1:\(port)/a.crl"],
                anchors: [], log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() }, clock: { nil },
                publish: { _ in })
            await keeper.open()
            let running = Task { await keeper.run() }
            defer { running.cancel() }
            let first = try #require(connection(at: listener, milliseconds: 40_000))
            await keeper.reload()
            // After a failure that nobody wants tried again it would wait half a minute or longer.
            close(first)
            close(try #require(connection(at: listener, milliseconds: 25_000)))
        }
    }

    @Test("However many URLs there are, so many transfers at the same time and no more; all get their turn")
    func transfers() async throws {
        try await withCards { cards in
            let (listener, port) = try LoopbackSocket.bound(SOCK_STREAM)
            defer { close(listener) }
            #expect(listen(listener, 64) == 0)
            let keeper = RevocationKeeper(
                folder: cards.folder.path + "/state/revocation", files: [],
                urls: (0..<20).map { "http://127.0.0.1:\(port)/\($0).crl" }, anchors: [],
                log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() }, clock: { nil }, publish: { _ in })
            await keeper.open()
            let running = Task { await keeper.run() }
            defer { running.cancel() }
            var open: [Int32] = []
            for _ in 0..<16 { open.append(try #require(connection(at: listener, milliseconds: 20_000))) }
            #expect(connection(at: listener, milliseconds: 300) == nil)
            // Those that fail make room for the rest.
            open.forEach { close($0) }
            for _ in 0..<4 { close(try #require(connection(at: listener, milliseconds: 20_000))) }
        }
    }
}
