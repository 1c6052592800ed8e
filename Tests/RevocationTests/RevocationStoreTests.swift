import Certificates
import Clock
import Cryptography
import Foundation
import OwnThreads
import PathFixture
import Revocation
import TestPKI
import Testing

@Suite(.ownThreads) struct RevocationStoreTests {
    @Test("A list is taken, replaced by a newer one, and the same one is done already")
    func take() throws {
        try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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
            try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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

    @Test("No list is taken that lies more than five minutes ahead of a believed clock; without one it is")
    func ahead() throws {
        try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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
        try StoreFixture.withStore { store in
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
}
