import Cryptography
import Files
import Foundation
import Synchronization
import TLV
import TestPKI
import Testing
import Trust

/// 2026-01-01, a year of validity on both sides.
let now: Int64 = 1_767_225_600
let year: Int64 = 366 * 86_400

/// Keys are made once for all suites of this target.
struct Fixture: Sendable {
    let authority: TestAuthority
    let userKey: RSAPrivateKey
    static let shared = Result {
        try Fixture(authority: TestAuthority(validFrom: now - year, validTo: now + 9 * year), userKey: RSAPrivateKey())
    }

    func user(_ change: (inout TestAuthority.UserCertificate) -> Void = { _ in }) -> TestAuthority.UserCertificate {
        var user = TestAuthority.UserCertificate(
            serial: [0x06, 0xD1, 0x80, 0x07], commonName: "997794E9AGCIEG13221003A", publicKey: userKey.publicKey,
            validFrom: now - 86_400, validTo: now + year)
        change(&user)
        return user
    }

    func certificate(_ change: (inout TestAuthority.UserCertificate) -> Void = { _ in }) throws -> [UInt8] {
        try authority.issue(user(change))
    }

    func anchors() throws -> TrustAnchors { try TrustAnchors([authority.certificate]) }

    func validated(_ certificate: [UInt8]? = nil, at time: Int64 = now) throws -> ValidatedCertificate {
        try anchors().validate(
            UnverifiedCertificate(der: certificate ?? self.certificate()), requirements: CertificateRequirements(),
            at: TrustedTime(asserted: time))
    }
}

@Suite struct PathTests {
    private let fixture: Fixture
    init() throws { fixture = try Fixture.shared.get() }

    private func code(
        _ certificate: [UInt8], requirements: CertificateRequirements = .init(), anchors: TrustAnchors? = nil,
        at time: Int64 = now
    ) throws -> CheckCode? {
        do {
            _ = try (anchors ?? fixture.anchors()).validate(
                UnverifiedCertificate(der: certificate), requirements: requirements, at: TrustedTime(asserted: time))
            return nil
        } catch let error as TrustError {
            return error.code
        }
    }

    @Test("A certificate in JPKI's layout, its critical policies included, has a path")
    func valid() throws {
        let policy = try #require(OID("1.2.392.200149.8.5.1.3.30"))
        #expect(try code(fixture.certificate(), requirements: .init(policies: [policy])) == nil)
    }

    @Test("Three generations of one authority share a name and are told apart by key")
    func generations() throws {
        let others = try (0..<2).map { _ in try TestAuthority(validFrom: now - year, validTo: now + year) }
        let certificate = try fixture.certificate()
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let all = [others[0].certificate, others[1].certificate, fixture.authority.certificate]
            #expect(try code(certificate, anchors: TrustAnchors(order.map { all[$0] })) == nil)
        }
        #expect(try code(certificate, anchors: TrustAnchors(others.map(\.certificate))) == .signature)
    }

    @Test("Dates are held against the trusted time, to the second")
    func dates() throws {
        let certificate = try fixture.certificate()
        #expect(try code(certificate, at: now - 86_400 - 1) == .notYetValid)
        #expect(try code(certificate, at: now - 86_400) == nil)
        #expect(try code(certificate, at: now + year) == nil)
        #expect(try code(certificate, at: now + year + 1) == .expired)
    }

    @Test("An expired authority vouches for nobody")
    func expiredAuthority() throws {
        let old = try TestAuthority(validFrom: now - 2 * year, validTo: now - 1)
        #expect(try code(old.issue(fixture.user()), anchors: TrustAnchors([old.certificate])) == .expired)
    }

    @Test("A policy that was not asked for is refused")
    func policy() throws {
        let wanted = CertificateRequirements(policies: [try #require(OID("1.2.392.200149.8.5.1.3.30"))])
        let phone: [UInt8] = [0x2A, 0x83, 0x08, 0x8C, 0x9B, 0x55, 0x08, 0x05, 0x01, 0x01, 0x28]
        #expect(try code(fixture.certificate { $0.policies = [phone] }, requirements: wanted) == .policy)
        #expect(try code(fixture.certificate { $0.policies = [] }, requirements: wanted) == .policy)
        #expect(
            try code(
                fixture.certificate { $0.policies = [phone, TestAuthority.userAuthenticationPolicy] },
                requirements: wanted) == nil)
    }

    @Test("A key that may not sign is refused")
    func keyUsage() throws {
        // keyEncipherment.
        #expect(try code(fixture.certificate { $0.keyUsage = 0x20 }) == .keyUsage)
    }

    @Test("A critical extension that nobody understands refuses; one that is not critical does not")
    func unknownExtensions() throws {
        let oid: [UInt8] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x63]
        #expect(try code(fixture.certificate { $0.extra = [(oid, true, [0x05, 0x00])] }) == .constraints)
        #expect(try code(fixture.certificate { $0.extra = [(oid, false, [0x05, 0x00])] }) == nil)
        // nameConstraints, critical: not enforced here, so not taken.
        #expect(
            try code(fixture.certificate { $0.extra = [([0x55, 0x1D, 0x1E], true, [0x30, 0x00])] }) == .constraints)
    }

    @Test("Critical policies that are not DER refuse, as does a policy named twice")
    func brokenPolicies() throws {
        let broken = try fixture.certificate {
            $0.policies = []
            $0.extra = [([0x55, 0x1D, 0x20], true, [0x30, 0x03, 0x30, 0x01, 0x05])]
        }
        #expect(try [CheckCode.malformed, .constraints].contains(code(broken)))
        let twice = TestAuthority.userAuthenticationPolicy
        #expect(
            try [CheckCode.malformed, .constraints].contains(
                code(fixture.certificate { $0.policies = [twice, twice] })))
    }

    @Test("A denied authority key, by hash or by identifier, has no path")
    func denied() throws {
        let info = CertificateBuilder.publicKeyInfo(fixture.authority.key.publicKey)
        for id in [sha256(info), fixture.authority.keyIdentifier] {
            #expect(try code(fixture.certificate(), requirements: .init(denied: [id])) == .noPath)
        }
    }

    @Test("An end entity vouches for nobody, nor does a CA without keyCertSign")
    func notACA() throws {
        let entity = try TestAuthority(validFrom: now - year, validTo: now + year, keyUsage: 0x80, isCA: false)
        #expect(throws: TrustError(.constraints, "an anchor is not a CA's certificate")) {
            try TrustAnchors([entity.certificate])
        }
        // cRLSign only.
        let lists = try TestAuthority(validFrom: now - year, validTo: now + year, keyUsage: 0x02)
        let certificate = try lists.issue(fixture.user())
        #expect(try code(certificate, anchors: TrustAnchors([lists.certificate])) == .keyUsage)
    }

    @Test("Every truncation and every flipped bit of a certificate is refused, without a trap")
    func altered() throws {
        let certificate = try fixture.certificate()
        for count in stride(from: 0, to: certificate.count, by: 5) {
            #expect(try code(Array(certificate.prefix(count))) == .malformed)
        }
        #expect(try code(certificate + [0x00]) == .malformed)
        for index in stride(from: 0, to: certificate.count, by: 3) {
            var changed = certificate
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(try code(changed) != nil, "bit of byte \(index)")
        }
    }
}

@Suite struct TrustedTimeTests {
    @Test("An unset clock is no time; a synchronised one is")
    func synchronised() {
        let floor = TimeFloor(newest: nil, stored: nil, maxAge: 100)
        #expect(
            TrustedClock(source: .synchronised, system: { 5 }, kernel: { .unsynchronised }).now(floor: floor) == nil)
        #expect(
            TrustedClock(source: .synchronised, system: { 5 }, kernel: { .synchronised }).now(floor: floor)
                == TrustedTime(asserted: 5))
        #expect(
            TrustedClock(source: .system, system: { 5 }, kernel: { .unsynchronised }).now(floor: floor)
                == TrustedTime(asserted: 5))
    }

    @Test("What the kernel said once in this boot counts for the boot, in every process; another boot asks anew")
    func boot() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        try Ownership.makeFolder(folder, mode: 0o700)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func clock(boot: String?, _ answers: KernelClock...) -> TrustedClock {
            let left = Mutex(answers)
            return TrustedClock(
                source: .synchronised, belief: BootBelief(path: folder + "/clock", boot: boot),
                system: { 5 }, kernel: { left.withLock { $0.isEmpty ? .unsynchronised : $0.removeFirst() } })
        }
        // Whoever only looks changes nothing.
        #expect(clock(boot: "a", .synchronised).believed()?.secondsSince1970 == 5)
        #expect(clock(boot: "a").believed() == nil)
        // A call that fails is no answer, neither way.
        let first = clock(boot: "a", .unknown(EPERM), .unsynchronised, .synchronised, .unsynchronised, .unknown(EPERM))
        #expect(clock(boot: "a", .unknown(EPERM)).problem == EPERM)
        #expect(clock(boot: "a", .unsynchronised).problem == nil)
        for expected in [nil, nil, 5, 5, 5] as [Int64?] { #expect(first.believed()?.secondsSince1970 == expected) }
        #expect(first.belief.wantsWriting)
        first.belief.write()
        #expect(!first.belief.wantsWriting)
        #expect(clock(boot: "a").believed()?.secondsSince1970 == 5)
        #expect(clock(boot: "b").believed() == nil)
        #expect(clock(boot: nil).believed() == nil)
    }

    @Test("A boot is named by the service manager, else by the kernel")
    func bootNames() {
        #expect(BootBelief.thisBoot { $0 == "KAZASHI_BOOT" ? "abc" : nil } == "abc")
        let kernels = readFile("/proc/sys/kernel/random/boot_id").map { String(decoding: $0, as: UTF8.self) }
        #expect(BootBelief.thisBoot { _ in nil } == kernels?.filter(\.isHexDigit))
    }

    @Test("Time is never earlier than the newest list, nor than the time stored")
    func floor() {
        let clock = TrustedClock(source: .system, system: { 1_000 }, kernel: { .synchronised })
        let list = TimeFloor(newest: (5_000, 9_000), stored: nil, maxAge: 100)
        #expect(clock.now(floor: list) == TrustedTime(asserted: 5_000))
        let stored = TimeFloor(newest: (5_000, 9_000), stored: 5_050, maxAge: 100)
        #expect(clock.now(floor: stored) == TrustedTime(asserted: 5_050))
    }

    @Test("A believed clock is the system's alone; only one that lost its battery is helped by the time stored last")
    func believed() {
        let floor = TimeFloor(newest: (5_000, 9_000), stored: 5_050, maxAge: 100)
        for source in [TrustedClock.Source.synchronised, .system] {
            let clock = TrustedClock(source: source, system: { 1_000 }, kernel: { .synchronised })
            #expect(clock.believed() == TrustedTime(asserted: 1_000))
            #expect(clock.now(floor: floor) == TrustedTime(asserted: 5_050))
            #expect(clock.issueLimit(stored: 500) == TrustedTime(asserted: 1_000))
            let expected: Int64 = source == .system ? 5_050 : 1_000
            #expect(clock.issueLimit(stored: 5_050) == TrustedTime(asserted: expected))
            // A new list is held against a clock that may be right.
            #expect(clock.importLimit(stored: 500) == TrustedTime(asserted: 1_000))
            #expect(clock.importLimit(stored: 5_050) == (source == .system ? nil : TrustedTime(asserted: 1_000)))
        }
        let unset = TrustedClock(source: .synchronised, system: { 1_000 }, kernel: { .unsynchronised })
        #expect(unset.believed() == nil && unset.issueLimit(stored: 5_050) == nil)
    }

    @Test("One forged time must not brick a kiosk: the floor never makes the newest list stale")
    func forged() {
        func floor(_ list: (Int64, Int64)?, stored: Int64) -> Int64? {
            TimeFloor(newest: list, stored: stored, maxAge: 100).secondsSince1970
        }
        #expect(floor((5_000, 9_000), stored: 9_999_999) == 5_100)
        // A list that is valid for no longer than max_age stays fresh too.
        #expect(floor((5_000, 5_100), stored: 9_999_999) == 5_099)
        #expect(floor((5_000, 5_000), stored: 9_999_999) == 5_000)
        #expect(floor((Int64.max - 1, .max), stored: .max) == Int64.max - 1)
        #expect(floor(nil, stored: 9_999_999) == nil)
    }
}
