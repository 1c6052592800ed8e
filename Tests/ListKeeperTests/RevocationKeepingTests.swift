import Certificates
import Files
import Foundation
import Kiosk
import Laboratory
import ListKeeper
import Pilot
import Revocation
import Synchronization
import TestPKI
import TestRig
import Testing
import VirtualCard

/// How a running kiosk's lists stay fresh, without pcscd.
@Suite(.timeLimit(.minutes(2))) struct RevocationKeepingTests {
    private func withCards(_ body: (PilotCards) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-keep-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(PilotCards.make(in: path))
    }

    private func withKiosk(
        _ cards: PilotCards, options: PilotFolder.Options = .init(), becomesReady: Bool = true,
        _ body: (InProcessPilot) async throws -> Void
    ) async throws {
        let pilot = try await InProcessPilot(
            folder: cards.folder, records: cards.records, options: options, becomesReady: becomesReady)
        try await pilot.whileRunning { try await body(pilot) }
    }

    /// One tap, named with what it ended in where that is not what was expected.
    private func expect(
        _ code: String, from pilot: InProcessPilot, with profile: CardProfile,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let tap = try await pilot.tap(CardInField(profile))
        #expect(tap.code == code, "\(tap) \(pilot.logged.suffix(2000))", sourceLocation: location)
    }

    private func index(_ cards: PilotCards) throws -> String {
        let store = cards.folder.path + "/state/revocation"
        let names = try FileManager.default.contentsOfDirectory(atPath: store).filter { $0.hasSuffix(".index") }
        return store + "/" + (try #require(names.first))
    }

    @Test("A list that is put into a watched folder counts at once, and no older one ever again, restarts included")
    func watched() async throws {
        try await withCards { cards in
            try await withKiosk(cards) { pilot in
                // The one that was there at the start.
                _ = await pilot.log(containing: "revocation list taken")
                _ = await pilot.log(containing: "revocation lists")
                try await expect("ok", from: pilot, with: cards.good.profile)
                try cards.folder.writeList(age: 0.5, revoked: [cards.good.serial], number: 2)
                _ = await pilot.log(containing: "revocation list taken")
                _ = await pilot.log(containing: "revocation lists")
                try await expect("revoked", from: pilot, with: cards.good.profile)
            }
            // The source is put back to the older list while the kiosk is off.
            try cards.folder.writeList(age: 1, number: 1)
            try await withKiosk(cards) { pilot in
                let line = try #require(await pilot.log(containing: "CRL rejected"))
                #expect(line.contains("newer list") && line.contains("最新のもの"))
                try await expect("revoked", from: pilot, with: cards.good.profile)
            }
        }
    }

    @Test("The store serves when the sources are gone")
    func sourcesGone() async throws {
        try await withCards { cards in
            try await withKiosk(cards) { _ in }
            try FileManager.default.removeItem(atPath: cards.folder.path + "/crl")
            try await withKiosk(cards) { pilot in
                _ = try #require(await pilot.log(containing: "A source of CRLs is missing"))
                try await expect("ok", from: pilot, with: cards.good.profile)
                try await expect("revoked", from: pilot, with: cards.revoked.profile)
            }
        }
    }

    @Test(
        "A damaged index is made anew from its source, at the start and when a card touches it",
        arguments: [true, false])
    func damaged(isHeader: Bool) async throws {
        try await withCards { cards in
            try await withKiosk(cards) { _ in }
            let file = try index(cards)
            var bytes = try Data(contentsOf: URL(filePath: file))
            let good = bytes
            // The block lies before the directory: its kinds, one entry of 16 bytes.
            bytes[isHeader ? 20 : bytes.count - 30] ^= 0x10
            try bytes.write(to: URL(filePath: file))
            try await withKiosk(cards) { pilot in
                if !isHeader {
                    // Nobody can tell at this tap; at the next one the list is there again.
                    try await expect("undetermined", from: pilot, with: cards.revoked.profile)
                }
                _ = try #require(await pilot.log(containing: "damaged indexes were removed"))
                _ = try #require(await pilot.log(containing: "revocation list taken"))
                _ = await pilot.log(containing: "revocation lists")
                try await expect("revoked", from: pilot, with: cards.revoked.profile)
                try await expect("ok", from: pilot, with: cards.good.profile)
            }
            #expect(try Data(contentsOf: URL(filePath: index(cards))) == good)
        }
    }

    @Test(
        "A card whose own list has run out is refused while others' lists are fresh; the log says so before and after")
    func partial() async throws {
        try await withCards { cards in
            try cards.folder.writeList(age: 35, number: 2)
            try cards.folder.writeList(age: 1, city: "Hachioji-shi")
            try await withKiosk(cards) { pilot in
                let line = try #require(await pilot.log(containing: "CRLs will expire soon"))
                #expect(line.contains("soon: 1") || line.contains("\"soon\": 1"))
                try await expect("ok", from: pilot, with: cards.good.profile)
            }
            var options = PilotFolder.Options()
            options.maxAge = "34h"
            try await withKiosk(cards, options: options) { pilot in
                _ = try #require(await pilot.log(containing: "CRLs have expired"))
                try await expect("undetermined", from: pilot, with: cards.good.profile)
            }
        }
    }

    @Test(
        "A list ahead of a clock that only the configuration believes: no time is believed; forgotten by name, it is well"
    )
    func future() async throws {
        try await withCards { cards in
            let store = try RevocationStore(folder: cards.folder.path + "/state/revocation")
            // Taken while no clock was believed: no certificate is valid any more at its time.
            let issuer = try ListAuthorities(TrustAnchors([cards.folder.issuers.authority.certificate]).certificates)
            let far = try UnverifiedRevocationList(der: cards.folder.list(age: -24 * 366 * 20, number: 9))
            let taken = try store.take(far, authorities: issuer, clock: nil)
            try cards.folder.writeList(age: 1, city: "Hachioji-shi")
            try await withKiosk(cards, becomesReady: false) { pilot in
                let line = try #require(await pilot.log(containing: "A CRL in the store lies ahead of the clock"))
                #expect(line.contains(taken.id) && line.contains("crl forget"))
                #expect(await pilot.log(containing: "\"cause\": clock") != nil)
                #expect(try store.forget(id: taken.id))
                let told = try #require(await pilot.log(containing: "removed a CRL and its number from the store"))
                #expect(told.contains(taken.id) && told.contains("list_forgotten"))
                // Both cities' lists serve; ready with the first of them.
                _ = try #require(await pilot.log(containing: #""served": 2"#))
                if !pilot.logged.contains("info ready") { _ = await pilot.log(containing: "info ready") }
                try await expect("ok", from: pilot, with: cards.good.profile)
                #expect(store.notices().isEmpty)
                // Now that a time is believed, none comes in.
                try cards.folder.writeList(age: -1, number: 10)
                let refused = try #require(await pilot.log(containing: "CRL rejected"))
                #expect(refused.contains("five minutes ahead"))
                try await expect("ok", from: pilot, with: cards.good.profile)
            }
        }
    }

    @Test("A URL is fetched into service; a server that fails leaves the old list serving, and the log says what to do")
    func fetched() async throws {
        try await withCards { cards in
            try FileManager.default.removeItem(atPath: cards.folder.path + "/crl")
            let list = try cards.folder.list(revoked: [cards.revoked.serial])
            let isUp = Mutex(true)
            let server = try ScriptedServer { request in
                guard isUp.withLock({ $0 }) else { return .init("500 Broken") }
                return request.headers["if-none-match"] == "\"1\""
                    ? .init("304 Not Modified") : .init("200 OK", headers: ["ETag: \"1\""], body: list)
            }
            var options = PilotFolder.Options()
            options.urls = [server.url("kiyose.crl?token=secret")]
            try await withKiosk(cards, options: options) { pilot async throws in
                try await expect("ok", from: pilot, with: cards.good.profile)
                try await expect("revoked", from: pilot, with: cards.revoked.profile)
                #expect(!pilot.logged.contains("secret"))
            }
            #expect(server.requests.count == 1)
            isUp.withLock { $0 = false }
            // The store is damaged, so it fetches at once, and fails.
            try FileManager.default.removeItem(atPath: index(cards))
            try await withKiosk(cards, options: options, becomesReady: false) { pilot in
                let line = try #require(await pilot.log(containing: "CRL rejected"))
                #expect(line.contains("the server answered 500") && line.contains("ネットワーク"))
            }
        }
    }

    @Test("SIGHUP fetches URLs at once, whatever the pause; an unasked 304 backs off, and is told of")
    func reloaded() async throws {
        try await withCards { cards in
            try FileManager.default.removeItem(atPath: cards.folder.path + "/crl")
            let lists = try [[], [cards.good.serial]].enumerated().map {
                try cards.folder.list(age: $0 == 0 ? 1 : 0.5, revoked: $1, number: $0 + 1)
            }
            let answer = Mutex(ScriptedServer.Reply("200 OK", body: lists[0]))
            let server = try ScriptedServer { _ in answer.withLock { $0 } }
            var options = PilotFolder.Options()
            options.urls = [server.url("kiyose.crl")]
            try await withKiosk(cards, options: options) { pilot async throws in
                _ = await pilot.log(containing: "revocation lists")
                try await expect("ok", from: pilot, with: cards.good.profile)
                answer.withLock { $0 = .init("304 Not Modified") }
                await pilot.runtime.reload()
                let line = try #require(await pilot.log(containing: "CRL rejected"))
                #expect(line.contains("the server answered 304"))
                answer.withLock { $0 = .init("200 OK", body: lists[1]) }
                await pilot.runtime.reload()
                _ = try #require(await pilot.log(containing: "revocation list taken"))
                _ = await pilot.log(containing: "revocation lists")
                try await expect("revoked", from: pilot, with: cards.good.profile)
            }
        }
    }
}

@Suite struct FetchScheduleTests {
    @Test("Hourly with jitter while all is well; at once where nothing is served")
    func regular() {
        var low = FetchSchedule { $0.lowerBound }, high = FetchSchedule { $0.upperBound }
        #expect(low.pause(after: .done) == 3_600 * 0.9 && high.pause(after: .done) == 3_600 * 1.1)
        #expect(high.first(isServing: false) == 0 && high.first(isServing: true) == 60)
    }

    @Test("Failures back off from a minute to an hour, jittered, and a success forgets them")
    func backOff() {
        var schedule = FetchSchedule { $0.upperBound }
        let pauses = (0..<9).map { _ in schedule.pause(after: .failed(retryAfter: nil)) }
        #expect(pauses == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600])
        _ = schedule.pause(after: .done)
        #expect(schedule.pause(after: .failed(retryAfter: nil)) == 60)
        var low = FetchSchedule { $0.lowerBound }
        #expect(low.pause(after: .failed(retryAfter: nil)) == 30)
    }

    @Test("What a server asks for is heeded, within reason")
    func retryAfter() {
        var schedule = FetchSchedule { $0.upperBound }
        #expect(schedule.pause(after: .failed(retryAfter: 900)) == 900)
        #expect(schedule.pause(after: .failed(retryAfter: .max)) == 6 * 3_600)
        #expect(schedule.pause(after: .failed(retryAfter: -5)) == 240)
    }
}

@Suite struct FreshnessWatchTests {
    private let hour: Int64 = 3_600

    @Test("A list that will run out is told of once, and again when it has, or a day later")
    func notices() {
        var watch = FreshnessWatch(maxAge: 36 * hour)
        let end = 100 * hour
        #expect(watch.notice([end], at: end - 6 * hour - 1) == nil)
        #expect(watch.notice([end], at: end - 6 * hour) == .init(lists: 1, stale: 0, soon: 1, seconds: 6 * hour))
        #expect(watch.notice([end], at: end - hour) == nil)
        #expect(watch.notice([end], at: end)?.stale == 1)
        #expect(watch.notice([end], at: end + hour) == nil)
        #expect(watch.notice([end], at: end + 24 * hour)?.stale == 1)
        #expect(watch.notice([end + 100 * hour], at: end + 25 * hour) == nil)
        #expect(watch.notice([end + 100 * hour], at: end + 99 * hour)?.soon == 1)
    }

    @Test("Of many lists the log says how many, and speaks again when it gets worse")
    func many() {
        var watch = FreshnessWatch(maxAge: 36 * hour)
        let ends = (0..<1_741).map { 100 * hour + Int64($0) }
        #expect(watch.notice(ends, at: 94 * hour)?.soon == 1)
        #expect(watch.notice(ends, at: 94 * hour + 10) == nil)
        #expect(watch.notice(ends, at: 95 * hour)?.soon == 1_741)
        #expect(watch.notice(ends, at: 95 * hour + 1) == nil)
        #expect(watch.notice(ends, at: 100 * hour)?.stale == 1)
    }

    @Test("With lists that may be old for an hour only, the notice is a quarter of an hour")
    func short() {
        var watch = FreshnessWatch(maxAge: hour)
        #expect(watch.notice([100 * hour], at: 100 * hour - 901) == nil)
        #expect(watch.notice([100 * hour], at: 100 * hour - 900)?.seconds == 900)
    }
}

@Suite(.timeLimit(.minutes(1))) struct WatchedFileTests {
    @Test("What is put into a watched folder is a file of a list's size: a pipe is not waited for, holes are not read")
    func kinds() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        mkfifo(folder + "/pipe.crl", 0o600)
        #expect(throws: UnreadableList.self) { try readLists(folder + "/pipe.crl", onlyFiles: true) { _ in } }
        // It takes no room on the disk, and hours to read.
        try Data().write(to: URL(filePath: folder + "/holes.crl"))
        #expect(truncate(folder + "/holes.crl", 1 << 40) == 0)
        let refused = #expect(throws: RevocationError.self) {
            try readLists(folder + "/holes.crl", onlyFiles: true) { _ in }
        }
        #expect(refused?.code == .crlUnusable)
    }
}

@Suite struct EarlyFilesTests {
    @Test(
        "A file with a list that lies ahead is read again when that list's time has come, when it changes, and without a clock"
    )
    func early() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        try Data([1]).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let version = try #require(SourceMemory.File(file))
        var early = EarlyFiles()
        #expect(!early.isEarly(file, version, at: 0))
        early.note(file, version, thisUpdate: 10_000)
        #expect(early.isEarly(file, version, at: 10_000 - 301))
        #expect(!early.isEarly(file, version, at: 10_000 - 300))
        #expect(!early.isEarly(file, version, at: nil))
        try Data([1, 2]).write(to: URL(filePath: file))
        #expect(!early.isEarly(file, try #require(SourceMemory.File(file)), at: 0))
        early.note(file, version, thisUpdate: .min)
        #expect(!early.isEarly(file, version, at: 0))
    }
}
