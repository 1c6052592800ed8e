import Certificates
import Clock
import Foundation
import Logging
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
@Suite(.timeLimit(.minutes(2))) struct RevocationKeeperTests {
    private func withCards(_ body: (PilotCards) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-keep-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(PilotCards.make(in: path))
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

    @Test("However many URLs there are, so many transfers at the same time and no more; all get their turn")
    func transfers() async throws {
        try await withCards { cards in
            let (listener, port) = try LoopbackSocket.bound(SOCK_STREAM)
            defer { close(listener) }
            #expect(listen(listener, 64) == 0)
            func connection(milliseconds: Int32) -> Int32? {
                var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                return poll(&waiting, 1, milliseconds) == 1 ? accept(listener, nil, nil) : nil
            }
            let keeper = RevocationKeeper(
                folder: cards.folder.path + "/state/revocation", files: [],
                urls: (0..<20).map { "http://127.0.0.1:\(port)/\($0).crl" }, anchors: [],
                log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() }, clock: { nil }, publish: { _ in })
            await keeper.open()
            let running = Task { await keeper.run() }
            defer { running.cancel() }
            var open: [Int32] = []
            for _ in 0..<16 { open.append(try #require(connection(milliseconds: 20_000))) }
            #expect(connection(milliseconds: 300) == nil)
            // Those that fail make room for the rest.
            open.forEach { close($0) }
            for _ in 0..<4 { close(try #require(connection(milliseconds: 20_000))) }
        }
    }
}
