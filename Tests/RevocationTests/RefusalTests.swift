import Certificates
import PathFixture
import Revocation
import TLV
import TestPKI
import Testing

/// A refusal names the rule, and the form as the world writes it is taken where it does no harm.
@Suite struct RefusalTests {
    /// A list's parts, each to be replaced; nobody signed it.
    private struct Parts {
        var version = DER.integer(1)
        var algorithm: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]
        var outerAlgorithm: [UInt8]?
        var issuer = TestName(("C", "JP"), ("CN", "test")).der
        var thisUpdate = DER.time(now)
        var nextUpdate = DER.time(now + 86_400)
        var entries = DER.object(0x30, entry())
        var extensions = DER.object(0xA0, DER.sequence(number()))

        static func number(_ value: [UInt8] = DER.integer(1)) -> [UInt8] {
            TestRevocationList.extension([0x55, 0x1D, 0x14], critical: false, value)
        }

        static func entry(serial: [UInt8] = DER.integer(7), date: [UInt8] = DER.time(now), more: [UInt8] = [])
            -> [UInt8]
        {
            DER.sequence(serial, date, more)
        }

        var der: [UInt8] {
            func identifier(_ oid: [UInt8]) -> [UInt8] { DER.sequence(DER.oid(oid), DER.null) }
            let tbs = DER.sequence(
                version, identifier(algorithm), issuer, thisUpdate, nextUpdate, entries, extensions)
            return DER.sequence(
                tbs, identifier(outerAlgorithm ?? algorithm), DER.bits([UInt8](repeating: 1, count: 256)))
        }
    }

    private static func generalized(_ text: String) -> [UInt8] { DER.object(0x18, Array(text.utf8)) }

    private static let refusals: [(words: [String], change: @Sendable (inout Parts) -> Void)] = [
        (["5.1.2.1"], { $0.version = [] }), (["5.1.2.1"], { $0.version = DER.integer(2) }),
        (["weak hash", "SHA-1"], { $0.algorithm[8] = 0x05 }), (["weak hash"], { $0.algorithm[8] = 0x04 }),
        (["weak hash"], { $0.algorithm = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01] }),
        (["neither RSA", "SHA-2"], { $0.algorithm[8] = 0x0A }), (["5.1.2.2"], { $0.algorithm = [] }),
        (["algorithms differ"], { $0.outerAlgorithm = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C] }),
        (["5.1.2.3"], { $0.issuer = DER.utf8("test") }),
        (["thisUpdate", "5.1.2.4"], { $0.thisUpdate = generalized("20260101000000Z") }),
        (["thisUpdate", "5.1.2.4"], { $0.thisUpdate = DER.object(0x17, Array("2601010000Z".utf8)) }),
        (
            ["thisUpdate", "5.1.2.4"],
            {
                $0.thisUpdate = []; $0.nextUpdate = []
            }
        ),
        (["nextUpdate", "5.1.2.5"], { $0.nextUpdate = generalized("20260201000000Z") }),
        (["no nextUpdate", "5.1.2.5"], { $0.nextUpdate = [] }),
        // Also where the entries are longer than what is read of a head.
        (
            ["no nextUpdate", "5.1.2.5"],
            {
                $0.nextUpdate = [];
                $0.entries = DER.object(0x30, Array(repeating: Parts.entry(), count: 9_000).flatMap { $0 })
            }
        ),
        (
            ["revocationDate", "5.1.2.6"],
            { $0.entries = DER.object(0x30, Parts.entry(date: generalized("20251124000000Z"))) }
        ),
        (["5.1.2.6"], { $0.entries = DER.object(0x30, DER.integer(7)) }),
        (["5.1.2.6"], { $0.entries = DER.object(0x30, Parts.entry(serial: DER.utf8("x"))) }),
        (
            ["4.1.2.2"],
            { $0.entries = DER.object(0x30, Parts.entry(serial: DER.integer([UInt8](repeating: 0x7F, count: 21)))) }
        ),
        (["5.3"], { $0.entries = DER.object(0x30, Parts.entry(more: DER.utf8("x"))) }),
        (
            ["5.3.1"],
            {
                $0.entries = DER.object(
                    0x30,
                    Parts.entry(
                        more: DER.sequence(
                            TestRevocationList.extension([0x55, 0x1D, 0x15], critical: false, DER.object(0x0A, [7])))))
            }
        ),
        (["5.1.2.7"], { $0.extensions = DER.object(0xA0, DER.integer(1)) }),
        (["5.1.2.7"], { $0.extensions = DER.object(0xA0, DER.sequence(Parts.number(), Parts.number())) }),
        (["5.1.2.6", "5.1.2.7"], { $0.entries = DER.utf8("x") }),
        (["CRL number", "5.2.3"], { $0.extensions = DER.object(0xA0, DER.sequence(Parts.number(DER.utf8("x")))) }),
        (
            ["no CRL number", "5.2.3"],
            {
                $0.extensions = DER.object(
                    0xA0, DER.sequence(TestRevocationList.extension([0x2A, 3], critical: false, DER.null)))
            }
        ),
        (
            ["critical", "5.2"],
            {
                $0.extensions = DER.object(
                    0xA0,
                    DER.sequence(Parts.number(), TestRevocationList.extension([0x2A, 3], critical: true, DER.null)))
            }
        ),
    ]

    @Test("Each character of an entry's date counts, and so does the calendar, whatever entries follow it")
    func dates() {
        let good = "260131235959Z"
        func isTaken(_ text: [UInt8]) -> Bool {
            var parts = Parts()
            let usual = Array(repeating: Parts.entry(), count: 9).flatMap { $0 }
            parts.entries = DER.object(0x30, Parts.entry(date: DER.object(0x17, text)) + usual)
            return (try? UnverifiedRevocationList(der: parts.der)) != nil
        }
        #expect(isTaken(Array(good.utf8)))
        for place in 0..<good.utf8.count {
            for character in Array(":/? ;A".utf8) + [0x00, 0x7F, 0xB0] {
                var text = Array(good.utf8)
                text[place] = character
                #expect(!isTaken(text), "\(place): \(character)")
            }
        }
        for text in [
            "260132235959Z", "260229000000Z", "260431000000Z", "260001000000Z", "261301000000Z", "260100000000Z",
            "260131240000Z", "260131236000Z", "260131235960Z",
        ] { #expect(!isTaken(Array(text.utf8)), "\(text)") }
        for text in ["280229000000Z", "000229000000Z", "491231235959Z", "500101000000Z", "260430000000Z"] {
            #expect(isTaken(Array(text.utf8)), "\(text)")
        }
    }

    @Test("A list's refusal names the rule, never a value of the program", arguments: refusals.indices)
    func words(index: Int) {
        var parts = Parts()
        Self.refusals[index].change(&parts)
        do throws(RevocationError) {
            _ = try UnverifiedRevocationList(der: parts.der)
            Issue.record("taken")
        } catch {
            #expect(Self.refusals[index].words.allSatisfy(error.reason.contains), "\(error.reason)")
            for leaked in ["badValue", "Tag(", "unexpected", "TLV", "rawValue"] {
                #expect(!error.reason.contains(leaked))
            }
        }
    }

    @Test("An empty revokedCertificates, which some national lists have, is a list without entries")
    func emptySequence() throws {
        var parts = Parts()
        #expect(throws: Never.self) { try UnverifiedRevocationList(der: parts.der) }
        parts.entries = DER.object(0x30, [])
        #expect(throws: Never.self) { try UnverifiedRevocationList(der: parts.der) }
        // Signed, it says that nobody is revoked.
        let fixture = try Fixture.shared.get()
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        list.hasEmptyEntries = true
        let lists = try RevocationLists(
            [UnverifiedRevocationList(der: list.signed(by: fixture.authority))],
            authorities: [fixture.authority.certificate])
        #expect(lists.all.map(\.index.count) == [0])
        guard case .good = lists.check(try fixture.validated(), anchors: try fixture.anchors(), maxAge: nil) else {
            Issue.record("not good")
            return
        }
    }

    @Test("Every error of the reader is words")
    func readerErrors() {
        let all: [TLVError] = [
            .truncated, .tagTooLong, .lengthUnusable, .notMinimal, .unexpectedTag(.sequence), .trailingBytes, .badValue,
            .beyondLimit("it is longer than that"),
        ]
        for error in all { #expect("\(error)".contains(" ") && !"\(error)".contains("rawValue")) }
    }

    @Test("A certificate's refusal names its part, beside the library's number")
    func certificate() throws {
        let fixture = try Fixture.shared.get()
        let good = try fixture.certificate()
        func reason(_ der: [UInt8]) -> String {
            do {
                _ = try fixture.validated(der)
                return ""
            } catch { return (error as? CertificateError)?.reason ?? "" }
        }
        // RSA with SHA-256 becomes something that nobody knows.
        let unknown = good.replacing([0xF7, 0x0D, 0x01, 0x01, 0x0B], with: [0xF7, 0x0D, 0x01, 0x01, 0x7B])
        #expect(reason(unknown).contains("4.1.2.3") && reason(Array(good.prefix(100))).contains("RFC 5280"))
        #expect(reason(DER.utf8("no certificate")).contains("(4.1)"))
    }
}
