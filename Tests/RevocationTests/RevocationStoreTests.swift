import Certificates
import Clock
import Cryptography
import Foundation
import OwnThreads
import PathFixture
import Revocation
import TLV
import TestPKI
import Testing

/// A store in a folder of its own, and lists to put into it.
private struct StoreFixture {
    let folder: String
    let store: RevocationStore
    let fixture: Fixture

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-store-\(UUID().uuidString)").path()
        store = try RevocationStore(folder: folder)
        fixture = try Fixture.shared.get()
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    var authorities: ListAuthorities { get throws { ListAuthorities(try fixture.anchors().certificates) } }

    func der(
        number: Int, hour: Int64 = 0, serials: [[UInt8]] = [[0x11]],
        _ change: (inout TestRevocationList) -> Void = { _ in }
    ) throws -> [UInt8] {
        var list = TestRevocationList(
            fixture.authority, thisUpdate: now - 7_200 + hour * 3_600, nextUpdate: now + 86_400)
        list.number = number
        list.entries = serials.map { .init(serial: $0, date: now - 86_400, reason: 1) }
        change(&list)
        return try list.signed(by: fixture.authority)
    }

    @discardableResult
    func take(_ der: [UInt8], in store: RevocationStore? = nil, clock: TrustedTime? = nil) throws
        -> RevocationStore.Taken
    {
        try (store ?? self.store).take(UnverifiedRevocationList(der: der), authorities: authorities, clock: clock)
    }

    func code(_ der: [UInt8], in store: RevocationStore? = nil, clock: TrustedTime? = nil) throws -> RevocationError
        .Code?
    {
        do {
            try take(der, in: store, clock: clock)
            return nil
        } catch let error as RevocationError {
            return error.code
        }
    }

    /// The number of the one list that is served.
    var served: String? {
        let lists = store.open().lists
        return lists.count == 1 ? lists[0].numberText : nil
    }

    var indexFile: String {
        get throws {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".index") }
            return folder + "/" + (try #require(names.first))
        }
    }
}

@Suite(.ownThreads) struct RevocationStoreTests {
    private func withStore(_ body: (StoreFixture) throws -> Void) throws {
        let store = try StoreFixture()
        defer { store.remove() }
        try body(store)
    }

    @Test("A list is taken, replaced by a newer one, and the same one is done already")
    func take() throws {
        try withStore { store in
            #expect(try store.take(store.der(number: 1)).isNew)
            #expect(store.served == "1")
            let second = try store.der(number: 2, hour: 1)
            #expect(try store.take(second).isNew)
            #expect(try !store.take(second).isNew)
            #expect(store.served == "2")
            #expect(store.store.issuers() == [store.fixture.authority.certificate])
        }
    }

    @Test("Number and thisUpdate never go back; the same number with other bytes is refused")
    func rollback() throws {
        try withStore { store in
            try store.take(store.der(number: 0x0100, hour: 1))
            #expect(try store.code(store.der(number: 0xFF, hour: 2)) == .crlRollback)
            #expect(try store.code(store.der(number: 0x0101, hour: 0)) == .crlRollback)
            #expect(try store.code(store.der(number: 0x0100, hour: 1, serials: [[0x12]])) == .crlRollback)
            #expect(store.served == "256")
        }
    }

    @Test("Several lists of one scope that are committed together: the newest is served, whatever their order")
    func together() throws {
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 3]] {
            try withStore { store in
                let authorities = try store.authorities
                let prepared = try order.compactMap { number -> RevocationStore.Prepared? in
                    let list = try UnverifiedRevocationList(der: store.der(number: number, hour: Int64(number)))
                    guard case .ready(let list) = try store.store.prepare(list, authorities: authorities, clock: nil)
                    else {
                        return nil
                    }
                    return list
                }
                let results = try store.store.commit(prepared)
                #expect(store.served == "3")
                var highest = 0
                for (number, result) in zip(order, results) {
                    #expect(((try? result.get()) != nil) == (number >= highest))
                    highest = max(highest, number)
                }
                #expect(try store.code(store.der(number: 2, hour: 2)) == .crlRollback)
            }
        }
    }

    @Test("The memory of numbers outlives the list and the process")
    func memory() throws {
        try withStore { store in
            let first = try store.der(number: 1)
            try store.take(first)
            let second = try store.der(number: 2, hour: 1)
            try store.take(second)
            try FileManager.default.removeItem(atPath: store.indexFile)
            let again = try RevocationStore(folder: store.folder)
            #expect(try store.code(first, in: again) == .crlRollback)
            #expect(try store.code(store.der(number: 2, hour: 1, serials: []), in: again) == .crlRollback)
            #expect(again.open().lists.isEmpty)
            #expect(try store.take(second, in: again).isNew, "the same list is made anew")
            #expect(store.served == "2")
        }
    }

    @Test("Numbers count by issuer key, scope and kind")
    func scopes() throws {
        try withStore { store in
            try store.take(store.der(number: 9))
            try store.take(store.der(number: 1) { $0.scope = TestAuthority.distributionPoint("Kiyose-shi") })
            // The same point, written otherwise.
            let shouting = TestName(
                ("C", "JP"), ("O", "jpki-TEST"), ("OU", "JPKI-test for user  authentication"),
                ("OU", "CRL Distribution Points"), ("OU", "tokyo-to"), ("CN", "KIYOSE-shi CRLDP"))
            #expect(try store.take(store.der(number: 2, hour: 1) { $0.scope = shouting }).isNew)
            #expect(try store.code(store.der(number: 1) { $0.scope = shouting }) == .crlRollback)
            try store.take(store.der(number: 2) { $0.base = 1 })
            try store.take(store.der(number: 1) { $0.onlyUserCertificates = true })
            #expect(store.store.open().lists.count == 4)
        }
    }

    @Test("What another authority signed, or nobody, leaves what is served as it is")
    func forged() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let other = try TestAuthority(validFrom: now - year, validTo: now + year)
            var list = TestRevocationList(other, thisUpdate: now, nextUpdate: now + 86_400)
            list.number = 5
            #expect(try store.code(list.signed(by: other)) == .crlUnusable)
            list.keyIdentifier = store.fixture.authority.keyIdentifier
            #expect(try store.code(list.signed(by: other)) == .crlUnusable)
            // An authority whose key may not sign lists.
            let mute = try TestAuthority(
                validFrom: now - year, validTo: now + year, key: store.fixture.authority.key, keyUsage: 0x04)
            let authorities = ListAuthorities(try TrustAnchors([mute.certificate]).certificates)
            #expect(throws: RevocationError.self) {
                try store.store.take(
                    UnverifiedRevocationList(der: store.der(number: 6)), authorities: authorities, clock: nil)
            }
            #expect(store.served == "1")
        }
    }

    @Test("Every truncation and every flipped bit of a list leaves what is served as it is")
    func alteredList() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let new = try store.der(number: 2, hour: 1)
            for count in 0..<new.count {
                #expect(throws: RevocationError.self) { try store.take(Array(new.prefix(count))) }
            }
            for index in new.indices {
                var changed = new
                changed[index] ^= 1 << UInt8(index % 8)
                #expect(throws: RevocationError.self, "bit of byte \(index)") { try store.take(changed) }
            }
            #expect(store.served == "1")
            #expect(try store.take(new).isNew)
        }
    }

    @Test("Every truncation and every flipped bit of an index is noticed, and never believed")
    func alteredIndex() throws {
        try withStore { store in
            let serials = (0..<60).map { [0x31, UInt8($0), 0x07] } + [[UInt8](repeating: 0x51, count: 16)]
            try store.take(store.der(number: 1, serials: serials))
            let file = try store.indexFile
            let good = Array(try Data(contentsOf: URL(filePath: file)))
            func isBelieved(_ bytes: [UInt8]) throws -> Bool {
                try Data(bytes).write(to: URL(filePath: file))
                let contents = store.store.open()
                guard let list = contents.lists.first else {
                    #expect(contents.problems.first?.error.code == .storeDamaged)
                    return false
                }
                // Opened: the block that was altered is noticed when it is touched.
                for serial in serials {
                    do {
                        guard try list.index.reason(for: SerialNumber(contents: serial)) == .keyCompromise else {
                            return true
                        }
                    } catch {
                        return false
                    }
                }
                return (try? list.index.checkWhole()) != nil
            }
            #expect(try isBelieved(good))
            for count in 0..<good.count where try isBelieved(Array(good.prefix(count))) {
                Issue.record("believed when cut to \(count) bytes")
            }
            for index in good.indices {
                var changed = good
                changed[index] ^= 1 << UInt8(index % 8)
                if try isBelieved(changed) { Issue.record("a flipped bit of byte \(index) is believed") }
            }
            #expect(try !isBelieved(good + [0]))
        }
    }

    @Test("A damaged index is removed and its list taken again; an older one is not")
    func repair() throws {
        try withStore { store in
            let first = try store.der(number: 1), second = try store.der(number: 2, hour: 1)
            try store.take(first)
            try store.take(second)
            let file = try store.indexFile
            var bytes = try Data(contentsOf: URL(filePath: file))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: file))
            #expect(try store.store.removeDamaged() == 1)
            #expect(try store.code(first) == .crlRollback)
            #expect(try store.take(second).isNew)
            #expect(try store.store.removeDamaged() == 0)
            #expect(store.served == "2")
        }
    }

    @Test("An index under another one's name is not served")
    func renamed() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let file = try store.indexFile
            try FileManager.default.moveItem(
                atPath: file, toPath: store.folder + "/" + String(repeating: "0", count: 32) + ".index")
            #expect(store.store.open().lists.isEmpty)
            #expect(store.store.open().problems.first?.error.code == .storeDamaged)
        }
    }

    @Test("A memory of numbers that was damaged is told of; a record cut short is not one")
    func damagedMemory() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let second = try store.der(number: 2, hour: 1)
            try store.take(second)
            let file = URL(filePath: store.folder + "/numbers")
            let good = try Data(contentsOf: file)
            // Power failed in the middle of the second record.
            try good.prefix(good.count - 10).write(to: file)
            let again = try RevocationStore(folder: store.folder)
            #expect(again.open().problems.isEmpty)
            #expect(try store.take(second, in: again).isNew)
            #expect(try Data(contentsOf: file) == good)
            var bad = good
            bad[bad.count - 1] ^= 1
            try bad.write(to: file)
            try (bad + Data([0])).write(to: file)
            #expect(again.open().problems.map(\.error.code) == [.storeDamaged])
            #expect(again.notices().isEmpty)
            try Data("something else, and long enough".utf8).write(to: file)
            #expect(again.open().problems.map(\.error.code) == [.storeDamaged])
            #expect(try store.code(store.der(number: 3, hour: 2), in: again) == nil)
            #expect(again.notices() == [.numbersRebuilt] && again.open().problems.isEmpty)
        }
    }

    @Test("Whichever bit of the numbers is flipped, they are made anew, an import goes on, and no number goes back")
    func rebuiltMemory() throws {
        try withStore { store in
            // One list that is served, and one whose index is gone: only the memory knows its number.
            try store.take(store.der(number: 5, hour: 1))
            let gone = try store.take(store.der(number: 7, hour: 1) { $0.onlyUserCertificates = true })
            try FileManager.default.removeItem(atPath: store.folder + "/" + gone.id + ".index")
            let file = URL(filePath: store.folder + "/numbers")
            let good = try Data(contentsOf: file)
            let old = try store.der(number: 4), oldOfGone = try store.der(number: 6) { $0.onlyUserCertificates = true }
            for index in good.indices {
                var bad = good
                bad[index] ^= 1 << UInt8(index % 8)
                try bad.write(to: file)
                let again = try RevocationStore(folder: store.folder)
                #expect(again.open().problems.map(\.file) == ["numbers"], "byte \(index)")
                #expect(try store.code(old, in: again) == .crlRollback, "byte \(index)")
                // The second record is the one of the list that is gone.
                if index < 8 + 82 { #expect(try store.code(oldOfGone, in: again) == .crlRollback, "byte \(index)") }
                #expect(again.open().problems.isEmpty && again.notices() == [.numbersRebuilt])
                again.remove(.numbersRebuilt)
            }
            try good.write(to: file)
            // Removing what is damaged mends them, too; the same list is served already, and a newer one is taken.
            var bad = good
            bad[2] ^= 1
            try bad.write(to: file)
            let again = try RevocationStore(folder: store.folder)
            #expect(try again.removeDamaged() == 0)
            #expect(again.notices() == [.numbersRebuilt] && again.open().problems.isEmpty)
            #expect(try !store.take(store.der(number: 5, hour: 1), in: again).isNew)
            #expect(try store.take(store.der(number: 6, hour: 2), in: again).isNew)
            // What was read before by another one that serves is read again.
            #expect(try store.code(store.der(number: 5, hour: 1)) == .crlRollback)
        }
    }

    @Test("Numbers that are lost, emptied or cut short are made anew of the lists that are served, and it is told")
    func lostMemory() throws {
        try withStore { store in
            try store.take(store.der(number: 3, hour: 1))
            try store.take(store.der(number: 5, hour: 1) { $0.onlyUserCertificates = true })
            let old = try [
                store.der(number: 2), store.der(number: 4) { $0.onlyUserCertificates = true },
            ]
            let file = store.folder + "/numbers"
            let good = try Data(contentsOf: URL(filePath: file))
            // Its beginning is 8 bytes, a record 82.
            for kept in [nil, 0, 7, 8, 8 + 81, 8 + 82, 8 + 163] {
                try FileManager.default.removeItem(atPath: file)
                if let kept { try good.prefix(kept).write(to: URL(filePath: file)) }
                // One that serves already, and one that starts.
                for again in [store.store, try RevocationStore(folder: store.folder)] {
                    for list in old { #expect(try store.code(list, in: again) == .crlRollback, "\(kept ?? -1)") }
                }
                #expect(store.store.notices() == [.numbersRebuilt] && store.store.open().problems.isEmpty)
                store.store.remove(.numbersRebuilt)
                #expect(try Data(contentsOf: URL(filePath: file)).count == good.count)
            }
            try FileManager.default.removeItem(atPath: file)
            #expect(store.store.open().problems.map(\.file) == ["numbers"] && store.store.notices().isEmpty)
            #expect(try store.store.removeDamaged() == 0 && store.store.notices() == [.numbersRebuilt])
            // The same lists are served already.
            #expect(try !store.take(store.der(number: 3, hour: 1)).isNew)
        }
        // A new store has none, and that is told to nobody.
        try withStore { store in
            #expect(store.store.open().problems.isEmpty)
            try store.take(store.der(number: 1))
            #expect(store.store.notices().isEmpty)
        }
    }

    @Test("A number that the power took back is still that of the list that is served")
    func servedNumber() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let file = URL(filePath: store.folder + "/numbers")
            let before = try Data(contentsOf: file)
            try store.take(store.der(number: 3, hour: 2))
            try before.write(to: file)
            #expect(try store.code(store.der(number: 2, hour: 1)) == .crlRollback)
            #expect(try store.code(store.der(number: 4, hour: 3)) == nil)
        }
    }

    @Test("No list is taken that lies more than five minutes ahead of a believed clock; without one it is")
    func ahead() throws {
        try withStore { store in
            // Its thisUpdate is two hours before `now`.
            let list = try store.der(number: 1)
            let issued = now - 7_200
            #expect(try store.code(list, clock: TrustedTime(asserted: issued - 301)) == .crlAhead)
            #expect(store.served == nil && store.store.notices().isEmpty)
            #expect(try store.code(list, clock: TrustedTime(asserted: issued - 300)) == nil)
            // As far ahead as a date can be, and any clock.
            let last = try store.der(number: 2) {
                $0.thisUpdate = 253_402_300_799; $0.nextUpdate = 253_402_300_799
            }
            for clock: Int64 in [.min, 0, now] {
                #expect(try store.code(last, clock: TrustedTime(asserted: clock)) == .crlAhead)
            }
            #expect(try store.code(last) == nil)
            #expect(IssueTime.isAhead(.min, of: TrustedTime(asserted: .max)) == false)
        }
    }

    @Test("A store forgets one list and its number by name; the others', and that it did, stay")
    func forget() throws {
        try withStore { store in
            let other = try store.take(store.der(number: 5) { $0.onlyUserCertificates = true })
            let future = try store.take(store.der(number: 9, hour: 9_000))
            #expect(try store.code(store.der(number: 1)) == .crlRollback)
            for id in ["", "00", String(repeating: "0", count: 32), "../numbers", future.id + ".index"] {
                #expect(try !store.store.forget(id: id))
            }
            // Another process: the one that serves has read the numbers before.
            #expect(try RevocationStore(folder: store.folder).forget(id: future.id.uppercased()))
            #expect(store.store.open().lists.map { $0.id.hexText } == [other.id])
            #expect(store.store.notices() == [.forgotten(id: future.id)])
            #expect(try store.code(store.der(number: 1)) == nil)
            #expect(try store.code(store.der(number: 4) { $0.onlyUserCertificates = true }) == .crlRollback)
            store.store.remove(.forgotten(id: future.id))
            #expect(store.store.notices().isEmpty)
            // Its index alone, or its number alone: forgotten as well.
            let file = store.folder + "/" + future.id + ".index"
            try FileManager.default.removeItem(atPath: file)
            #expect(try store.store.forget(id: future.id))
            #expect(try !store.store.forget(id: future.id))
        }
    }

    @Test("The memory is written anew before it grows for ever, and forgets nothing")
    func compaction() throws {
        try withStore { store in
            try store.take(store.der(number: 1) { $0.scope = TestAuthority.distributionPoint("Kiyose-shi") })
            for number in 1...1_020 {
                let list = try store.der(number: number, serials: []) {
                    $0.scope = TestAuthority.distributionPoint("Other")
                }
                try store.take(list)
            }
            let size = try Data(contentsOf: URL(filePath: store.folder + "/numbers")).count
            #expect(size < 82 * 200)
            let again = try RevocationStore(folder: store.folder)
            let old = try store.der(number: 0) { $0.scope = TestAuthority.distributionPoint("Kiyose-shi") }
            #expect(try store.code(old, in: again) == .crlRollback)
        }
    }

    @Test("What a killed import left behind goes; what another one is writing stays")
    func leftovers() throws {
        try withStore { store in
            let left = store.folder + "/.0.index-1-1.new"
            try Data([1]).write(to: URL(filePath: left))
            let writing = store.folder + "/.0.index-1-2.new"
            try Data([1]).write(to: URL(filePath: writing))
            let handle = try #require(FileHandle(forReadingAtPath: writing))
            flock(handle.fileDescriptor, LOCK_EX)
            try store.take(store.der(number: 1))
            #expect(!FileManager.default.fileExists(atPath: left))
            #expect(FileManager.default.fileExists(atPath: writing))
            try handle.close()
        }
    }

    @Test("A store that another process holds is left after a while; what is served is served still")
    func held() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            let handle = try #require(FileHandle(forReadingAtPath: store.folder + "/lock"))
            #expect(flock(handle.fileDescriptor, LOCK_EX) == 0)
            let impatient = try RevocationStore(folder: store.folder, patience: .milliseconds(20))
            #expect(try store.code(store.der(number: 2, hour: 1), in: impatient) == .storeUnavailable)
            #expect(throws: RevocationError.self) { try impatient.removeDamaged() }
            #expect(store.served == "1")
            try handle.close()
            #expect(try store.take(store.der(number: 2, hour: 1), in: impatient).isNew)
        }
    }

    @Test("A folder that takes no file is an error with a name, and what is served is served still")
    func unwritable() throws {
        try withStore { store in
            try store.take(store.der(number: 1))
            // Where its files should stand stands a folder: no rights and no user could write there.
            let id = try #require(store.store.open().lists.first).id
            let file = try store.indexFile
            try FileManager.default.moveItem(atPath: store.folder + "/numbers", toPath: store.folder + "/kept")
            try FileManager.default.createDirectory(
                atPath: store.folder + "/numbers", withIntermediateDirectories: false)
            #expect(try store.code(store.der(number: 2, hour: 1)) == .storeUnavailable)
            #expect(FileManager.default.fileExists(atPath: file))
            #expect(store.store.list(id: id.hexText)?.numberText == "1")
        }
        #expect(throws: RevocationError.self) { try RevocationStore(folder: "/proc/nowhere/store") }
    }
}
