import Certificates
import PathFixture
import Revocation
import TLV
import TestPKI
import Testing

/// What is too large is refused by the name of the rule, before it is looked into; the process lives.
@Suite struct LimitTests {
    private let fixture: Fixture
    init() throws { fixture = try Fixture.shared.get() }

    /// 44,000 bytes that become 66,000 when their letters are made small: more than two bytes of length can say.
    private static let growing = String(repeating: "İ", count: 22_000)

    private func reason(_ change: (inout TestRevocationList) -> Void) throws -> String? {
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        change(&list)
        let der = try list.signed(by: fixture.authority)
        do throws(RevocationError) {
            _ = try UnverifiedRevocationList(der: der)
            return nil
        } catch {
            return error.code == .crlUnusable ? error.reason : "\(error)"
        }
    }

    private func reason(certificate change: (inout TestAuthority.UserCertificate) -> Void) throws -> String? {
        do {
            _ = try fixture.validated(fixture.certificate(change))
            return nil
        } catch let error as CertificateError {
            return error.code == .malformed ? error.reason : "\(error)"
        }
    }

    private func point(_ name: [UInt8]) -> [UInt8] {
        TestRevocationList.extension([0x55, 0x1D, 0x1C], critical: true, DER.sequence(DER.object(0xA0, name)))
    }

    @Test("A list's name that grows when it is normalised, wherever it stands")
    func growingName() throws {
        let long = TestName(("C", "JP"), ("O", Self.growing))
        let relative = DER.object(
            0xA1, DER.sequence(DER.oid([0x55, 0x04, 0x03]), DER.utf8(Self.growing)))
        for change: (inout TestRevocationList) -> Void in [
            { $0.issuer = long }, { $0.scope = long }, { $0.extra = point(relative) },
            { $0.issuer = TestName(("O", String(repeating: "x", count: 60_000))) },
            { $0.extra = point(DER.object(0xA0, DER.object(0x86, [UInt8](repeating: 0x61, count: 9_000)))) },
        ] { #expect(try #require(try reason(change)).contains("8192 bytes")) }
        // Many parts, each short.
        let parts = (0..<3_000).flatMap { _ in DER.set(DER.sequence(DER.oid([0x55, 0x04, 0x03]), DER.utf8("İ"))) }
        let many = DER.object(0xA0, DER.object(0xA4, DER.object(0x30, parts)))
        #expect(try #require(try reason { $0.extra = point(many) }).contains("8192 bytes"))
    }

    @Test("A name as long as the limit is taken, and so are its lengths in the index")
    func longestName() throws {
        let name = TestName(("C", "JP"), ("O", String(repeating: "İ", count: 4_000)))
        #expect(try reason { $0.issuer = name } == nil)
        #expect(try reason { $0.scope = name } == nil)
    }

    @Test("A certificate's names, and a certificate that is too long")
    func certificate() throws {
        #expect(try #require(try reason { $0.commonName = Self.growing }).contains("8192 bytes"))
        #expect(
            try #require(try reason { $0.distributionPoint = TestName(("CN", Self.growing)) }).contains("8192 bytes"))
        let long = try reason {
            $0.extra = [(oid: [0x2A, 0x03, 0x04], critical: false, value: [UInt8](repeating: 0, count: 70_000))]
        }
        #expect(try #require(long).contains("65536 bytes"))
    }

    @Test("Extensions, policies, points and names by the thousand")
    func counts() throws {
        func some(_ count: Int) -> [UInt8] {
            (0..<count).flatMap {
                TestRevocationList.extension(
                    [0x2A, 0x03, UInt8($0 / 128), UInt8($0 % 128)], critical: false, [0x05, 0])
            }
        }
        #expect(try reason { $0.extra = some(50) } == nil)
        #expect(try #require(try reason { $0.extra = some(1_000) }).contains("64 extensions"))
        #expect(
            try #require(try reason { $0.entries = [.init(serial: [1], date: now, extra: some(1_000))] })
                .contains("64 extensions"))
        let names = (0..<1_000).flatMap { DER.object(0x86, [0x61, UInt8($0 / 256), UInt8($0 & 0xFF)]) }
        #expect(try #require(try reason { $0.extra = point(DER.object(0xA0, names)) }).contains("64 names"))
        let points = (0..<500).flatMap { _ in DER.sequence(DER.object(0xA0, DER.object(0xA0, DER.object(0x86, [0x61]))))
        }
        let manyPoints = try reason {
            $0.distributionPoint = nil
            $0.extra = [(oid: [0x55, 0x1D, 0x1F], critical: false, value: DER.object(0x30, points))]
        }
        #expect(try #require(manyPoints).contains("64 distribution points"))
        #expect(try reason { $0.policies = (0..<1_000).map { [0x2A, 0x03, UInt8($0 / 128), UInt8($0 % 128)] } } != nil)
    }

    @Test("A list that says it is longer than any is refused at its head, before anything is kept of it")
    func longList() throws {
        let head: [UInt8] = [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xF0, 0x30, 0x84, 0x7F, 0xFF, 0xFF, 0x00]
        do throws(RevocationError) {
            _ = try UnverifiedRevocationList(der: head)
            Issue.record("taken")
        } catch { #expect(error.reason.contains("1073741824 bytes")) }
    }
}
