import Certificates
import Cryptography
import Files
import PathFixture
import Revocation
import Synchronization
import TestPKI
import Testing

@Suite struct ListIntakeTests {
    private func intake(_ bytes: [UInt8], pieces: Int, engine: DigestEngine = .mbedTLS) throws -> [RevocationList] {
        let collected = Collected()
        var intake = ListIntake(scratch: .temporary, engine: engine) { (list) throws(RevocationError) in
            collected.add(try list.get())
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces))
            try piece.withUnsafeBytes { try intake.take($0) }
            rest = rest.dropFirst(piece.count)
        }
        try intake.finish()
        return try RevocationLists(collected.lists, authorities: [Fixture.shared.get().authority.certificate]).all
    }

    private final class Collected: Sendable {
        private let state = Mutex<[UnverifiedRevocationList]>([])
        var lists: [UnverifiedRevocationList] { state.withLock { $0 } }
        func add(_ list: UnverifiedRevocationList) { state.withLock { $0.append(list) } }
    }

    private func der(_ count: Int = 40) throws -> [UInt8] {
        let fixture = try Fixture.shared.get()
        var list = TestRevocationList(fixture.authority, thisUpdate: now - 3_600, nextUpdate: now + 86_400)
        list.entries = (0..<count).map {
            .init(serial: [0x41, UInt8($0 >> 8), UInt8($0 & 0xFF)], date: now - 86_400, reason: 1)
        }
        return try list.signed(by: fixture.authority)
    }

    @Test("In whatever pieces a list comes it is the same list", arguments: [1, 2, 7, 64, 333, 4_096])
    func pieces(size: Int) throws {
        for engine in DigestEngine.allCases {
            let lists = try intake(der(), pieces: size, engine: engine)
            #expect(lists.map(\.index.count) == [40])
        }
    }

    @Test("PEM, in pieces too, with words between the blocks and any number of lists")
    func pem() throws {
        let text =
            Array("Issued today.\r\n".utf8) + PEM.encode(try der(3), label: "X509 CRL") + Array("\n-- and --\n".utf8)
            + PEM.encode(try der(500), label: "X509 CRL")
        for size in [1, 100, 65_536] {
            #expect(try intake(text, pieces: size).map(\.index.count) == [3, 500])
        }
        for broken in [
            text.dropLast(20) + [], Array("no list at all".utf8),
            PEM.encode(Array(try der().dropLast()), label: "X509 CRL"),
            Array("-----BEGIN X509 CRL-----\n*****\n-----END X509 CRL-----\n".utf8), [],
        ] { #expect(throws: RevocationError.self) { try intake(broken, pieces: 50) } }
    }

    @Test("Bytes after the list's end are refused, in any piece")
    func trailing() throws {
        for size in [1, 64, 65_536] {
            #expect(throws: RevocationError.self) { try intake(der() + [0x00], pieces: size) }
            #expect(throws: RevocationError.self) { try intake(der() + der(), pieces: size) }
        }
    }

    @Test("Lengths that promise more than there is hold no memory and are refused")
    func lengths() throws {
        for start: [UInt8] in [
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xF0],
            [0x30, 0x80], [0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            #expect(throws: RevocationError.self) { try intake(start, pieces: 3) }
            #expect(throws: RevocationError.self) {
                try intake(start + [UInt8](repeating: 0x30, count: 300_000), pieces: 10_000)
            }
        }
    }
}
