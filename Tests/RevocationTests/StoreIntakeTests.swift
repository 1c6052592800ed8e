import Certificates
import Cryptography
import Files
import Foundation
import PathFixture
import Revocation
import Synchronization
import TestPKI
import Testing

/// Lists of one source on their way into a store: each on its own, and nothing kept of one that nobody signed.
@Suite struct StoreIntakeTests {
    private let fixture: Fixture
    private let other: TestAuthority
    init() throws {
        fixture = try Fixture.shared.get()
        other = try Self.other.get()
    }
    private static let other = Result { try TestAuthority(validFrom: now - year, validTo: now + year) }

    private func withStore(_ body: (RevocationStore) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-in-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(RevocationStore(folder: folder))
    }

    /// A municipality's list.
    private func own(_ point: Int, number: Int = 1) throws -> [UInt8] {
        try list(fixture.authority, point, number: number)
    }

    private func list(_ authority: TestAuthority, _ point: Int, number: Int = 1) throws -> [UInt8] {
        var list = TestRevocationList(authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        list.scope = TestAuthority.distributionPoint("City \(point)")
        list.number = number
        list.entries = [.init(serial: [0x11], date: now - 86_400, reason: 1)]
        return try list.signed(by: authority)
    }

    private func pem(_ lists: [[UInt8]]) -> [UInt8] { lists.flatMap { PEM.encode($0, label: "X509 CRL") } }

    private func intake(_ store: RevocationStore, stopsAtUnsigned: Bool = false) throws -> StoreIntake {
        let intake = StoreIntake(
            store: store, authorities: ListAuthorities(try fixture.anchors().certificates), clock: { nil },
            stopsAtUnsigned: stopsAtUnsigned)
        intake.begin()
        return intake
    }

    private func read(_ bytes: [UInt8], into intake: StoreIntake) throws(RevocationError) {
        var lists = ListIntake(scratch: .temporary, each: intake.take)
        try bytes.span.bytes.withUnsafeBytes { bytes throws(RevocationError) in try lists.take(bytes) }
        try lists.finish()
    }

    @Test("One genuine list that is sent again and again ends its transfer; a file may hold it twice")
    func sentAgain() throws {
        let twice = pem([try own(1), try own(2), try own(1), try own(3)])
        try withStore { store in
            let transfer = try intake(store, stopsAtUnsigned: true)
            let refused = #expect(throws: RevocationError.self) { try read(twice, into: transfer) }
            #expect(refused?.code == .crlUnusable && refused?.reason.contains("twice") == true)
            #expect(transfer.finish().map(words) == [["T", "T", "crl_unusable"]])
        }
        try withStore { store in
            let file = try intake(store)
            try read(twice, into: file)
            #expect(file.finish().first?.outcomes.allSatisfy { $0.failure == nil } == true)
        }
    }

    /// `T` taken, `A` there already, or the code of a refusal.
    private func words(_ report: StoreIntake.Report) -> [String] {
        report.outcomes.map { outcome in
            switch outcome.result {
            case .success(let taken): taken.isNew ? "T" : "A"
            case .failure(let error): error.code.rawValue
            }
        }
    }

    @Test("Each list of a bundle has its own outcome, whatever stands before it, and its place and name")
    func bundle() throws {
        let (mine, foreign) = (try own(1), try list(other, 2, number: 7))
        // Broken within, and not even base64.
        let cut = Array(mine.dropLast(20))
        let garbage = Array("-----BEGIN X509 CRL-----\n%%%\n-----END X509 CRL-----\n".utf8)
        for (bytes, expected) in [
            (pem([mine, foreign]), ["T", "crl_unusable"]), (pem([foreign, mine]), ["crl_unusable", "T"]),
            (pem([mine, cut, mine, try own(3)]), ["T", "crl_unusable", "T", "T"]),
            (garbage + pem([mine]) + garbage + pem([try own(2)]), ["crl_unusable", "T", "crl_unusable", "T"]),
            (pem([try own(1, number: 2), mine, try own(2)]), ["T", "crl_rollback", "T"]),
            (pem([mine]) + pem([try own(2)]).dropLast(40), ["T", "crl_unusable"]),
        ] {
            try withStore { store in
                let intake = try intake(store)
                try read(bytes, into: intake)
                let report = try #require(intake.finish().first)
                let outcomes = report.outcomes
                #expect(words(report) == expected)
                #expect(outcomes.map(\.position) == Array(1...expected.count))
                if let summary = outcomes.first(where: { $0.failure?.reason.contains("signature") == true })?.summary {
                    #expect(summary.number == "7" && summary.scope.first?.contains("city 2") == true)
                    #expect(summary.issuer.contains("jpki-test"))
                }
            }
        }
    }

    @Test("A list is handed on at its end, before the next one is read")
    func atItsEnd() throws {
        let seen = Mutex(0)
        var lists = ListIntake(scratch: .temporary) { (_) throws(RevocationError) in seen.withLock { $0 += 1 } }
        for expected in 1...3 {
            try pem([own(expected)]).withUnsafeBytes { try lists.take($0) }
            #expect(seen.withLock { $0 } == expected)
        }
        try lists.finish()
        #expect(seen.withLock { $0 } == 3)
    }

    @Test("Of many lists few wait for the disk, so few descriptors are held; all of them are served in the end")
    func batches() throws {
        try withStore { store in
            let intake = try intake(store)
            let most = StoreIntake.mostPending
            for count in 1...(2 * most + 10) {
                try intake.take(.success(UnverifiedRevocationList(der: own(count))))
                // Each that waits is a file beside those that are served.
                let waiting = names(in: store.folder).count { $0.hasSuffix(".new") }
                #expect(waiting == count % most)
            }
            #expect(intake.finish().map { words($0).count { $0 == "T" } } == [2 * most + 10])
            #expect(store.open().lists.count == 2 * most + 10)
            #expect(intake.finish().isEmpty)
        }
    }

    @Test("A transfer ends at its first list that nobody at hand signed, or that is none; what came before counts")
    func stops() throws {
        for stranger in [try list(other, 2), Array(try own(2).dropLast(3))] {
            try withStore { store in
                let intake = try intake(store, stopsAtUnsigned: true)
                #expect(throws: RevocationError.self) { try read(pem([own(1), stranger, own(3)]), into: intake) }
                #expect(intake.finish().map(words) == [["T", "crl_unusable"]])
                #expect(store.open().lists.count == 1)
            }
        }
        // An older list of an authority at hand is no stranger's.
        try withStore { store in
            let intake = try intake(store, stopsAtUnsigned: true)
            try read(pem([own(1, number: 2), own(1), own(3)]), into: intake)
            #expect(intake.finish().map(words) == [["T", "crl_rollback", "T"]])
        }
    }

    @Test("Whatever is refused before it, an authority's list is taken; the first refusals are told, the rest counted")
    func strangers() throws {
        let one = pem([try list(other, 1)])
        try withStore { store in
            let intake = try intake(store)
            let many = Array(repeating: one, count: 2_000).flatMap { $0 }
            try read(pem([own(1)]) + many + pem([own(2)]) + one, into: intake)
            let report = try #require(intake.finish().first)
            #expect(words(report) == ["T"] + [String](repeating: "crl_unusable", count: 64) + ["T"])
            #expect(report.outcomes.last?.position == 2_002)
            #expect(report.moreRefused == 2_001 - 64 && report.moreTaken == 0)
            #expect(store.open().lists.count == 2)
            #expect(names(in: store.folder).allSatisfy { !$0.hasSuffix(".new") })
            // The next source begins without a debt.
            intake.begin()
            try read(one + pem([own(2)]), into: intake)
            #expect(intake.finish().map(words) == [["crl_unusable", "A"]])
        }
    }

    @Test("A bundle of which 65 lists were overtaken and one is new: that one is taken, from a file and from a URL")
    func overtaken() throws {
        for isURL in [false, true] {
            try withStore { store in
                let first = try intake(store)
                try read(pem(try (1...65).map { try own($0, number: 3) }), into: first)
                #expect(first.finish().map { words($0).count { $0 == "T" } } == [65])
                let intake = try intake(store, stopsAtUnsigned: isURL)
                try read(pem(try (1...66).map { try own($0, number: 2) }), into: intake)
                let report = try #require(intake.finish().first)
                #expect(words(report) == [String](repeating: "crl_rollback", count: 64) + ["T"])
                #expect(report.moreRefused == 1 && report.outcomes.last?.position == 66)
            }
        }
    }

    @Test("Of an authority's list that comes again and again not every time is kept")
    func repeated() throws {
        try withStore { store in
            let intake = try intake(store)
            let list = try UnverifiedRevocationList(der: own(1))
            for _ in 0..<(16 * 1_024 + 65) { try intake.take(.success(list)) }
            let report = try #require(intake.finish().first)
            #expect(report.outcomes.count == 16 * 1_024 && report.moreTaken == 65 && report.moreRefused == 0)
        }
    }

    @Test("One list of DER whose form is wrong is told of, as in a bundle, once", arguments: [7, 64 * 1_024])
    func malformed(piece: Int) throws {
        let der = try own(1)
        let noList: [UInt8] = [0x30, 0x82, 0x01, 0x00] + Array(repeating: 0, count: 256)
        for bytes in [Array(der.dropLast(20)), der + [0x00], noList] {
            try withStore { store in
                let intake = try intake(store)
                var lists = ListIntake(scratch: .temporary, each: intake.take)
                var failure: RevocationError?
                do throws(RevocationError) {
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        let next = Array(rest.prefix(piece))
                        rest = rest.dropFirst(piece)
                        try next.span.bytes.withUnsafeBytes { bytes throws(RevocationError) in try lists.take(bytes) }
                    }
                    try lists.finish()
                } catch { failure = error }
                let report = try #require(intake.finish().first)
                #expect(words(report) == ["crl_unusable"] && report.outcomes.map(\.position) == [1])
                #expect(report.unsaid(failure) == nil && failure != nil, "it is said once")
            }
        }
    }

    @Test("Lists of strangers hide none from a check without a store")
    func collecting() throws {
        let collector = ListCollector(authorities: [fixture.authority.certificate])
        let stranger = try UnverifiedRevocationList(der: list(other, 1))
        for _ in 1...100 { try collector.take(.success(stranger)) }
        #expect(collector.lists.all.isEmpty)
        try collector.take(.success(UnverifiedRevocationList(der: own(1))))
        #expect(collector.lists.all.count == 1)
    }

    @Test("A source that begins anew is told of once")
    func restart() throws {
        try withStore { store in
            let intake = try intake(store)
            try read(pem([own(1), own(2)]), into: intake)
            intake.restart()
            try read(pem([own(1), own(3)]), into: intake)
            #expect(intake.finish().map(words) == [["A", "T"]])
            #expect(store.open().lists.count == 3)
        }
    }
}
