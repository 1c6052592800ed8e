import Certificates
import Cryptography
import PathFixture
import Revocation
import TLV
import TestPKI
import Testing

@Suite struct RevocationCheckTests {
    private let fixture: Fixture
    private let serial: [UInt8] = [0x06, 0xD1, 0x80, 0x07]
    init() throws { fixture = try Fixture.shared.get() }

    private enum Told: Equatable {
        case good, revoked
        case lists(RevocationError.Code)
    }

    /// A list of JPKI's shape: the municipality's, with a critical issuingDistributionPoint.
    private func list(_ change: (inout TestRevocationList) -> Void = { _ in }) throws -> [UInt8] {
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        list.scope = TestAuthority.distributionPoint("Kiyose-shi")
        change(&list)
        return try list.signed(by: fixture.authority)
    }

    private func check(_ lists: [[UInt8]], certificate: [UInt8]? = nil, maxAge: Int64? = nil, at time: Int64 = now)
        throws
        -> Told
    {
        var parsed: [UnverifiedRevocationList] = []
        for list in lists {
            do throws(RevocationError) { parsed.append(try UnverifiedRevocationList(der: list)) } catch {
                return .lists(error.code)
            }
        }
        let verdict = try RevocationLists(parsed, authorities: [fixture.authority.certificate]).check(
            try fixture.validated(certificate, at: time), anchors: try fixture.anchors(), maxAge: maxAge)
        switch verdict {
        case .good: return .good
        case .revoked: return .revoked
        case .undetermined(let error): return .lists(error.code)
        }
    }

    private func entry(_ serial: [UInt8], reason: UInt8? = 1) -> TestRevocationList.Entry {
        .init(serial: serial, date: now - 7_200, reason: reason)
    }

    @Test("Not listed is good, listed is revoked, whatever the reason", arguments: [nil, 0, 1, 3, 6] as [UInt8?])
    func listed(reason: UInt8?) throws {
        #expect(try check([list()]) == .good)
        #expect(try check([list { $0.entries = [entry([0x01]), entry(serial, reason: reason)] }]) == .revoked)
    }

    @Test("No usable list is undetermined, never good")
    func none() throws {
        #expect(try check([]) == .lists(.noCRL))
        #expect(try check([list { $0.scope = TestAuthority.distributionPoint("Hachioji-shi") }]) == .lists(.crlScope))
    }

    @Test("A stale list says nothing, by nextUpdate and by max_age; nor does one of the future")
    func stale() throws {
        let list = try list()
        #expect(try check([list], at: now + 86_400 - 1) == .good)
        #expect(try check([list], at: now + 86_400) == .lists(.crlStale))
        #expect(try check([list], maxAge: 3_600) == .good)
        #expect(try check([list], maxAge: 3_599) == .lists(.crlStale))
        #expect(try check([list], at: now - 3_601) == .lists(.crlStale))
    }

    @Test("A list by another authority of the same name is not believed")
    func otherAuthority() throws {
        let other = try TestAuthority(validFrom: now - year, validTo: now + year)
        var forged = TestRevocationList(other, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        forged.scope = TestAuthority.distributionPoint("Kiyose-shi")
        #expect(try check([forged.signed(by: other)]) == .lists(.crlUnusable))
        // Nor one that claims the right key.
        forged.keyIdentifier = fixture.authority.keyIdentifier
        #expect(try check([forged.signed(by: other)]) == .lists(.crlUnusable))
    }

    @Test("The national list covers everybody; where both are held, revoked wins")
    func national() throws {
        let national = try list { $0.scope = nil }
        #expect(try check([national]) == .good)
        let revoking = try list {
            $0.scope = nil
            $0.entries = [entry(serial)]
        }
        #expect(try check([list(), revoking]) == .revoked)
        #expect(try check([revoking, list()]) == .revoked)
    }

    @Test("A national list does not need the certificate to name a distribution point; a partition does")
    func withoutPoint() throws {
        let certificate = try fixture.certificate { $0.distributionPoint = nil }
        #expect(try check([list { $0.scope = nil }], certificate: certificate) == .good)
        #expect(try check([list()], certificate: certificate) == .lists(.crlScope))
    }

    @Test("A list for CA certificates only does not cover a person's; one for users does")
    func certificateKind() throws {
        #expect(try check([list { $0.onlyUserCertificates = true }]) == .good)
        let caOnly = TestRevocationList.extension(
            [0x55, 0x1D, 0x1C], critical: true, DER.sequence(DER.object(0x82, [0xFF])))
        #expect(
            try check([
                list {
                    $0.scope = nil
                    $0.extra = caOnly
                }
            ]) == .lists(.crlScope))
    }

    @Test("Names of distribution points are compared as RFC 5280 asks")
    func normalisedNames() throws {
        let shouting = TestName(
            ("C", "jp"), ("O", "jpki-test"), ("OU", "JPKI-test  for USER authentication"),
            ("OU", "CRL Distribution Points"),
            ("OU", "tokyo-to"), ("CN", " Kiyose-SHI CRLDP "))
        #expect(try check([list { $0.scope = shouting }]) == .good)
    }

    @Test("An unknown critical extension on the list or on any entry makes it unusable")
    func unknownCritical() throws {
        let unknown = TestRevocationList.extension([0x2A, 0x03, 0x04], critical: true, [0x05, 0x00])
        #expect(try check([list { $0.extra = unknown }]) == .lists(.crlUnusable))
        let other = TestRevocationList.Entry(serial: [0x77], date: now - 7_200, reason: nil, extra: unknown)
        #expect(try check([list { $0.entries = [other] }]) == .lists(.crlUnusable))
        let harmless = TestRevocationList.extension([0x2A, 0x03, 0x04], critical: false, [0x05, 0x00])
        #expect(try check([list { $0.extra = harmless }]) == .good)
    }

    @Test("An indirect list is refused by design")
    func indirect() throws {
        let indirect = TestRevocationList.extension(
            [0x55, 0x1D, 0x1C], critical: true, DER.sequence(DER.object(0x84, [0xFF])))
        #expect(
            try check([
                list {
                    $0.scope = nil
                    $0.extra = indirect
                }
            ]) == .lists(.crlUnusable))
    }

    @Test("A delta revokes and releases on top of its base; alone it says nothing")
    func delta() throws {
        let base = try list { $0.entries = [entry([0x55], reason: 6), entry(serial, reason: 6)] }
        func delta(_ entries: [TestRevocationList.Entry], number: Int = 2, base: Int = 1) throws -> [UInt8] {
            try list {
                ($0.number, $0.base, $0.entries) = (number, base, entries)
            }
        }
        #expect(try check([base, delta([entry(serial, reason: 8)])]) == .good)
        #expect(try check([list(), delta([entry(serial)])]) == .revoked)
        #expect(try check([delta([])]) == .lists(.noCRL))
        // One that has run out does not release any more.
        let stale = try list {
            ($0.number, $0.base, $0.entries) = (2, 1, [entry(serial, reason: 8)])
            ($0.thisUpdate, $0.nextUpdate) = (now - 7_200, now - 10)
        }
        #expect(try check([base, stale]) == .revoked)
        // A delta on a base that we do not have does not release.
        #expect(try check([base, delta([entry(serial, reason: 8)], number: 6, base: 5)]) == .revoked)
    }

    @Test(
        "What RFC 5280 does not allow is no list",
        arguments: [
            { $0.number = nil }, { $0.nextUpdate = nil }, { $0.isVersion2 = false },
            { $0.entries = [.init(serial: [UInt8](repeating: 0x7F, count: 21), date: now)] },
            { $0.entries = [.init(serial: [0x01], date: now, reason: 7)] },
            { $0.entries = [.init(serial: [0x01], date: now, reason: 8)] },
            {
                $0.scope = nil
                $0.extra = TestRevocationList.extension([0x55, 0x1D, 0x1C], critical: true, [0x30, 0x00])
            },
        ] as [@Sendable (inout TestRevocationList) -> Void])
    func refused(change: @Sendable (inout TestRevocationList) -> Void) throws {
        let bytes = try list {
            $0.entries = [entry([0x01])]
            change(&$0)
        }
        #expect(throws: RevocationError.self) { try UnverifiedRevocationList(der: bytes) }
    }

    @Test("Every truncation of a list is refused, and no flipped bit of it is believed")
    func altered() throws {
        let bytes = try list { $0.entries = [entry([0x01]), entry([0x02], reason: nil)] }
        for count in 0..<bytes.count {
            #expect(throws: RevocationError.self) { try UnverifiedRevocationList(der: Array(bytes.prefix(count))) }
        }
        #expect(throws: RevocationError.self) { try UnverifiedRevocationList(der: bytes + [0]) }
        let validated = try fixture.validated()
        let anchors = try fixture.anchors()
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            guard let list = try? UnverifiedRevocationList(der: changed) else { continue }
            let lists = try RevocationLists([list], authorities: [fixture.authority.certificate])
            if case .good = lists.check(validated, anchors: anchors, maxAge: nil) {
                Issue.record("a flipped bit of byte \(index) was believed")
            }
        }
    }

    @Test("Serials are compared by value")
    func serials() {
        #expect(SerialNumber(contents: [0x00, 0x80]) == SerialNumber(contents: [0x00, 0x00, 0x80]))
        #expect(SerialNumber(contents: [0x80]) != SerialNumber(contents: [0x00, 0x80]))
        #expect(SerialNumber(contents: [0xFF, 0xFF]) == SerialNumber(contents: [0xFF]))
        #expect("\(SerialNumber(contents: [0x12, 0x34]))" == "[serial]")
    }
}
