import Advice
import ArgumentParser
import Certificates
import Clock
import FoundationEssentials
import Glibc
import ListKeeper
import Settings
import TLV

extension Kazashi {
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a certificate is good, revoked, undetermined or untrusted.",
            discussion: "Exit codes: 0 good, 1 revoked or untrusted, 2 usage error or unreadable file, 3 undetermined.")

        @Option(help: "A trusted CA certificate, PEM or DER; may be repeated.")
        var anchor: [String]

        @Option(help: "An intermediate certificate; may be repeated.")
        var intermediate: [String] = []

        @Option(help: "A revocation list; may be repeated.")
        var crl: [String] = []

        @OptionGroup var time: MomentOptions

        @Option(help: "A certificate policy that must be asserted; may be repeated.")
        var policy: [String] = []

        @Flag(help: "Print one JSON object on standard output.")
        var json = false

        @Argument(help: "The certificate, PEM or DER.")
        var certificate: String

        func run() throws {
            let check = CertificateCheck(
                anchors: anchor, intermediates: intermediate, lists: crl, policies: try policy.map(Self.oid),
                maxAge: try time.age(), time: try time.moment())
            let answer: CertificateCheck.Answer
            do {
                answer = try check.run(certificate: certificate)
            } catch {
                say("\(error)")
                throw ExitCode.wrongUse
            }
            try finish(answer, json: json)
        }

        private static func oid(_ text: String) throws -> OID {
            guard let oid = OID(text) else { throw ValidationError("--policy wants an object identifier.") }
            return oid
        }
    }
}

/// The time that a check is made for, and how old lists may be.
struct MomentOptions: ParsableArguments {
    @Option(help: "The time to check at, as RFC 3339 in UTC; else the system's clock.")
    var at: [String] = []

    @Option(
        help:
            "The largest age of a CRL, beside its nextUpdate: 36h, 7d. `crl check --config` takes the kiosk's max_age by default."
    )
    var maxAge: [String] = []

    func moment() throws -> TrustedTime { try Self.moment(at) }

    /// The time that `--at` gave, or else the system's.
    static func moment(_ at: [String]) throws -> TrustedTime {
        guard let text = at.last else { return TrustedTime(asserted: systemTime()) }
        guard let seconds = CivilTime(rfc3339: text)?.secondsSince1970 else {
            throw ValidationError("--at wants RFC 3339 in UTC, such as 2026-04-01T00:00:00Z.")
        }
        return TrustedTime(asserted: seconds)
    }

    func age() throws -> Int64? {
        guard let text = maxAge.last else { return nil }
        guard let duration = WrittenDuration(text) else {
            throw ValidationError("--max-age wants a duration, such as 36h or 7d.")
        }
        return duration.wholeSeconds
    }
}

/// Prints a check's answer and ends with its code.
func finish(_ answer: CertificateCheck.Answer, json: Bool) throws {
    if json {
        struct Output: Encodable { let verdict, code, reason: String }
        printJSON(Output(verdict: answer.verdict.rawValue, code: answer.code.text, reason: answer.reason))
    } else {
        say("\(answer.verdict.rawValue): \(answer.code.text): \(answer.reason)")
        if let advice = answer.code.advice { say(advice.indented) }
    }
    if answer.exitCode != 0 { throw ExitCode(answer.exitCode) }
}

/// One JSON object, on one line.
func printJSON(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    print(String(decoding: data, as: UTF8.self))
}
