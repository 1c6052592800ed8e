import Certificates
import Cryptography
import Files
import Foundation
import HTTPClient
import Laboratory
import ListKeeper
import Revocation
import Synchronization
import TestPKI
import TestRig
import Testing

/// Lists over HTTP, from a server that answers as it is told.
@Suite(.timeLimit(.minutes(1))) struct ListDownloadTests {
    private static let list = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-lists-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try LargeLists(folder: folder, entries: 20_000).write()
        return readFile(folder + "/national.crl") ?? []
    }
    private let list: [UInt8]
    init() throws { list = try Self.list.get() }

    private func download(
        _ server: ScriptedServer, known: ListDownload.Validators = .init(), counted: Counted = Counted(),
        _ change: (inout ListDownload) -> Void = { _ in }
    ) async throws -> ListDownload.Result {
        var download = ListDownload(client: CurlClient(), scratch: .temporary)
        download.limits.firstPause = .milliseconds(1)
        change(&download)
        return try await download.run(
            server.url("national.crl"), known: known, restart: counted.restart, each: counted.take)
    }

    /// How many lists came whole, and how often they came anew.
    private final class Counted: Sendable {
        private let state = Mutex((lists: 0, restarts: 0))
        var lists: Int { state.withLock { $0.lists } }
        var restarts: Int { state.withLock { $0.restarts } }
        func restart() { state.withLock { $0 = (0, $0.restarts + 1) } }
        func take(_ list: Result<UnverifiedRevocationList, RevocationError>) throws(RevocationError) {
            _ = try list.get()
            state.withLock { $0.lists += 1 }
        }
    }

    @Test("A list comes whole, with what tells its version; the same version is unchanged")
    func whole() async throws {
        let list = list
        let server = try ScriptedServer { request in
            request.headers["if-none-match"] == "\"v1\""
                ? .init("304 Not Modified")
                : .init(
                    "200 OK", headers: ["ETag: \"v1\"", "Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT"], body: list)
        }
        let counted = Counted()
        guard case .lists(let validators) = try await download(server, counted: counted) else {
            Issue.record("no list")
            return
        }
        #expect(counted.lists == 1)
        #expect(validators == .init(etag: "\"v1\"", lastModified: "Sat, 21 Nov 2026 00:00:00 GMT"))
        guard case .unchanged = try await download(server, known: validators) else {
            Issue.record("fetched again")
            return
        }
        _ = try await download(server, known: .init(lastModified: "Sat, 21 Nov 2026 00:00:00 GMT"))
        #expect(server.requests.last?.headers["if-modified-since"] == "Sat, 21 Nov 2026 00:00:00 GMT")
    }

    @Test("A transfer that breaks goes on where it broke, again and again")
    func resumed() async throws {
        let list = list
        let server = try ScriptedServer { request in
            guard let range = request.headers["range"], request.headers["if-range"] == "\"v1\"",
                let start = Int(range.filter(\.isNumber))
            else { return .init("200 OK", headers: ["ETag: \"v1\""], body: list, sent: 100_000) }
            let rest = Array(list[start...])
            return .init(
                "206 Partial Content",
                headers: ["ETag: \"v1\"", "Content-Range: bytes \(start)-\(list.count - 1)/\(list.count)"],
                body: rest, sent: min(rest.count, 300_000))
        }
        let counted = Counted()
        _ = try await download(server, counted: counted)
        #expect(counted.lists == 1 && counted.restarts == 0)
        let ranges = server.requests.map { $0.headers["range"] }
        #expect(ranges == [nil, "bytes=100000-", "bytes=400000-", "bytes=700000-"])
    }

    @Test("A list that changed meanwhile comes from its beginning")
    func changed() async throws {
        let list = list
        let first = Mutex(true)
        let server = try ScriptedServer { _ in
            let isFirst = first.withLock { first in
                defer { first = false }
                return first
            }
            // The other version differs from its beginning on; the whole of this one follows.
            return isFirst
                ? .init("200 OK", headers: ["ETag: \"v0\""], body: list, sent: 50_000)
                : .init("200 OK", headers: ["ETag: \"v1\""], body: list)
        }
        let counted = Counted()
        guard case .lists(let validators) = try await download(server, counted: counted) else {
            Issue.record("no list")
            return
        }
        #expect(counted.lists == 1 && counted.restarts == 1 && validators.etag == "\"v1\"")
    }

    @Test("Without a strong validator a broken transfer is not pieced together")
    func weak() async throws {
        let list = list
        for headers in [[], ["ETag: W/\"v1\""]] {
            let server = try ScriptedServer { _ in .init("200 OK", headers: headers, body: list, sent: 50_000) }
            await #expect(throws: ListDownload.Failure.self) { try await download(server) }
            #expect(server.requests.count == 1)
        }
    }

    @Test("Another part than was asked for is refused, and a connection that breaks for ever is given up")
    func wrongPart() async throws {
        let list = list
        let other = try ScriptedServer { request in
            guard let start = request.headers["range"].flatMap({ Int($0.filter(\.isNumber)) }) else {
                return .init("200 OK", headers: ["ETag: \"v1\""], body: list, sent: 50_000)
            }
            return .init("206 Partial Content", headers: ["Content-Range: bytes 7-9/10"], body: Array(list[start...]))
        }
        await #expect(throws: RevocationError.self) { try await download(other) }
        let broken = try ScriptedServer { request in
            let start = request.headers["range"].flatMap { Int($0.filter(\.isNumber)) } ?? 0
            return .init(
                start == 0 ? "200 OK" : "206 Partial Content",
                headers: ["ETag: \"v1\"", "Content-Range: bytes \(start)-\(list.count - 1)/\(list.count)"],
                body: Array(list[start...]), sent: 10)
        }
        await #expect(throws: ListDownload.Failure.self) { try await download(broken) }
        #expect(broken.requests.count == 6)
    }

    @Test("Garbage ends the transfer at its first byte; too much, and every other status, are failures with a name")
    func refused() async throws {
        let garbage = try ScriptedServer { _ in
            .init("200 OK", body: [0x30, 0x80] + [UInt8](repeating: 0, count: 5_000_000))
        }
        await #expect(throws: RevocationError.self) { try await download(garbage) }
        let list = list
        let large = try ScriptedServer { _ in .init("200 OK", headers: ["ETag: \"v1\""], body: list) }
        await #expect(throws: ListDownload.Failure.self) { try await download(large) { $0.limits.most = 100_000 } }
        let busy = try ScriptedServer { _ in .init("503 Busy", headers: ["Retry-After: 120"], body: Array("later".utf8))
        }
        do {
            _ = try await download(busy)
            Issue.record("503 is no list")
        } catch ListDownload.Failure.status(let status, let retryAfter) {
            #expect(status == 503 && retryAfter == 120)
        }
        let empty = try ScriptedServer { _ in .init("200 OK") }
        await #expect(throws: RevocationError.self) { try await download(empty) }
        let moved = try ScriptedServer { _ in .init("302 Found", headers: ["Location: http://127.0.0.1:1/"]) }
        await #expect(throws: ListDownload.Failure.self) { try await download(moved) }
    }

    @Test("A transfer ends at its first list that nobody at hand signed, however much follows")
    func strangers() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-un-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let authorities = try (0..<2).map { _ in try TestAuthority(validFrom: 1_700_000_000, validTo: 2_000_000_000) }
        let pem = try authorities.map { authority in
            PEM.encode(
                try TestRevocationList(authority, thisUpdate: 1_760_000_000, nextUpdate: 1_800_000_000).signed(
                    by: authority),
                label: "X509 CRL")
        }
        let store = try RevocationStore(folder: folder)
        let intake = StoreIntake(
            store: store, authorities: ListAuthorities(try TrustAnchors([authorities[0].certificate]).certificates),
            clock: { nil }, stopsAtUnsigned: true)
        intake.begin()
        // Ten megabytes of them.
        let body = pem[0] + Array(repeating: pem[1], count: 10_000_000 / pem[1].count).flatMap { $0 }
        let server = try ScriptedServer { _ in .init("200 OK", body: body) }
        await #expect(throws: RevocationError.self) {
            try await ListDownload(client: CurlClient(), scratch: store.scratch).run(
                server.url("lists.pem"), restart: intake.restart, each: intake.take)
        }
        let outcomes = try #require(intake.finish().first).outcomes
        #expect(outcomes.map { $0.failure?.code } == [nil, .crlUnusable] && store.open().lists.count == 1)
    }

    @Test(
        "A 304 or a 206 that nobody asked for is a failure with its number: nothing is known to be the same, or whole")
    func unasked() async throws {
        let list = list
        let unchanged = try ScriptedServer { _ in .init("304 Not Modified") }
        // The whole list under the wrong number, and a part that looks whole: neither is taken.
        let whole = try ScriptedServer { _ in
            .init(
                "206 Partial Content", headers: ["Content-Range: bytes 0-\(list.count - 1)/\(list.count)"], body: list)
        }
        // Also for a transfer that goes on: it was asked for the rest, not whether it is the same.
        let resumed = try ScriptedServer { request in
            request.headers["range"] == nil
                ? .init("200 OK", headers: ["ETag: \"v1\""], body: list, sent: 50_000) : .init("304 Not Modified")
        }
        let known = ListDownload.Validators(etag: "\"v0\"")
        for (server, known, expected) in [
            (unchanged, ListDownload.Validators(), 304), (whole, .init(), 206), (whole, known, 206),
            (resumed, .init(), 304),
        ] {
            let counted = Counted()
            do {
                _ = try await download(server, known: known, counted: counted)
                Issue.record("\(expected) is no list")
            } catch ListDownload.Failure.status(let status, _) {
                #expect(status == expected && counted.lists == 0)
            }
        }
    }
}
