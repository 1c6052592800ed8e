import Foundation
import TestRig
import Testing

/// The revocation part of NIST PKITS through `kazashi check`, where `KAZASHI_PKITS` names its folder.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["KAZASHI_PKITS"] != nil,
        "KAZASHI_PKITS does not name the folder of the conformance cases"))
struct PKITSTests {
    struct Case: Decodable {
        let number: String
        let path: [String]
        let crls: [String]
        let valid: Bool
    }

    /// Refused by design though the standard would accept: indirect lists are not handled, and a list's issuer other than
    /// the certificate's is one.
    static let refusedByDesign: Set<String> = [
        "4.14.22", "4.14.24", "4.14.25", "4.14.28", "4.14.29", "4.14.30", "4.14.33",
    ]
    private struct Answer: Decodable { let verdict, code, reason: String }

    @Test("No false accept; what the rules can decide is decided right")
    func all() async throws {
        let folder = try #require(ProcessInfo.processInfo.environment["KAZASHI_PKITS"])
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: folder + "/cases.json")))
        #expect(cases.count == 76)
        for item in cases {
            let files = item.path.map { "\(folder)/certs/\($0).crt" }
            var arguments = ["check", "--json", "--at", "2020-01-01T00:00:00Z", "--anchor", files[0]]
            for file in files[1..<files.count - 1] { arguments += ["--intermediate", file] }
            for list in item.crls { arguments += ["--crl", "\(folder)/crls/\(list).crl"] }
            let result = try await ChildProcess.run(Programs.kazashi, arguments + [files[files.count - 1]])
            let answer = try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
            #expect(result.code == ["good": 0, "revoked": 1, "untrusted": 1, "undetermined": 3][answer.verdict])
            if !item.valid {
                #expect(answer.verdict != "good", "false accept of \(item.number)")
            } else if Self.refusedByDesign.contains(item.number) {
                #expect(answer.verdict != "good", "\(item.number) is decided by now: take it off the list")
            } else {
                #expect(answer.verdict == "good", "\(item.number): \(answer.code): \(answer.reason)")
            }
        }
    }
}
