import Certificates
import Clock
import Cryptography
import Files
import Foundation
import ListKeeper
import Revocation
import TestPKI
import Testing

/// `kazashi check` with the lists of files: whatever stands beside the list that revokes must not hide it.
@Suite struct CertificateCheckTests {
    private static let now: Int64 = 1_760_000_000
    private let authority, other: TestAuthority
    private let folder = NSTemporaryDirectory() + "kazashi-cc-\(UUID().uuidString)"

    init() throws {
        authority = try TestAuthority(validFrom: 1_700_000_000, validTo: 2_000_000_000)
        other = try TestAuthority(validFrom: 1_700_000_000, validTo: 2_000_000_000)
    }

    private func list(_ authority: TestAuthority, number: Int, revokes: Bool = false) throws -> [UInt8] {
        var list = TestRevocationList(authority, thisUpdate: Self.now - 3_600, nextUpdate: Self.now + 86_400)
        list.number = number
        if revokes { list.entries = [.init(serial: [0x11], date: Self.now - 86_400, reason: 1)] }
        return try list.signed(by: authority)
    }

    private func pem(_ der: [UInt8]) -> [UInt8] { PEM.encode(der, label: "X509 CRL") }

    private func check(_ lists: [[UInt8]]) throws -> CertificateCheck.Answer {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ name: String, _ bytes: [UInt8]) throws -> String {
            try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
            return "\(folder)/\(name)"
        }
        let user = TestAuthority.UserCertificate(
            serial: [0x11], commonName: "test", publicKey: authority.key.publicKey, validFrom: 1_700_000_000,
            validTo: 2_000_000_000)
        let check = CertificateCheck(
            anchors: [try write("ca", authority.certificate)], intermediates: [],
            lists: try lists.enumerated().map { try write("list-\($0)", $1) }, policies: [], maxAge: nil,
            time: TrustedTime(asserted: Self.now))
        return try check.run(certificate: write("leaf", authority.issue(user)))
    }

    @Test("A revoked certificate is revoked, however many strangers' lists stand before the one that says so")
    func strangers() throws {
        let stranger = pem(try list(other, number: 1))
        let (good, revoking) = (try list(authority, number: 1), pem(try list(authority, number: 3, revokes: true)))
        #expect(try check([good]).code == .good)
        #expect(try check([good]).exitCode == 0 && check([revoking]).exitCode == 1)
        for count in [63, 64, 100] {
            let many = Array(repeating: stranger, count: count).flatMap { $0 } + revoking
            #expect(try check([good, many]).code == .revoked)
        }
        #expect(try check([good] + Array(repeating: stranger, count: 100) + [revoking]).code == .revoked)
    }

    @Test("Where a source of lists was not read to its end nothing is good; what is revoked is revoked")
    func unread() throws {
        let (good, revoking) = (try list(authority, number: 1), try list(authority, number: 3, revokes: true))
        let cut = pem(good) + Array(pem(revoking).dropLast(40))
        let sources: [[UInt8]] = [
            Array(revoking.dropLast(10)), Array(revoking.prefix(30)), cut, [0x30, 0x80], Array("no list".utf8), [],
        ]
        for unread in sources {
            let answer = try check([good, unread])
            #expect(answer.exitCode == 3)
            #expect(answer.code == .lists(.crlUnusable) && answer.reason.contains("not read to their end"), "\(answer)")
            #expect(try check([good, unread, revoking]).code == .revoked)
        }
        // Of a bundle each list counts by itself: what stands beside the broken one was read.
        #expect(try check([pem(Array(revoking.dropLast(10))) + pem(good)]).code == .good)
    }

    @Test("Without a list, one at hand that could not be read is the reason")
    func broken() throws {
        let broken = pem(Array(try list(authority, number: 3).dropLast(10)))
        #expect(try check([broken]).code == .lists(.crlUnusable))
        #expect(try check([broken + pem(try list(other, number: 1))]).code == .lists(.crlUnusable))
    }

    @Test("An anchor that is no CA's certificate is wrong use, and its file is named")
    func wrongAnchor() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let user = TestAuthority.UserCertificate(
            serial: [0x12], commonName: "test", publicKey: authority.key.publicKey, validFrom: 1_700_000_000,
            validTo: 2_000_000_000)
        let leaf = "\(folder)/leaf"
        try Data(try authority.issue(user)).write(to: URL(filePath: leaf))
        let check = CertificateCheck(
            anchors: [leaf], intermediates: [], lists: [], policies: [], maxAge: nil,
            time: TrustedTime(asserted: Self.now))
        let error = #expect(throws: CertificateCheck.UnreadableFile.self) { try check.run(certificate: leaf) }
        #expect(error?.file == leaf && error?.what.contains("CA") == true)
    }
}
