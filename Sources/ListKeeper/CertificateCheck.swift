package import Advice
package import Certificates
package import Clock
internal import Cryptography
internal import Files
package import Revocation
package import TLV

/// `kazashi check`: one certificate, its anchors, intermediates and lists, all from files.
package struct CertificateCheck: Sendable {
    package struct Answer: Sendable, Equatable {
        package let code: CheckCode
        package let reason: String
        package var verdict: CheckVerdict { code.verdict }

        /// 0 good, 1 revoked or untrusted, 3 could not tell.
        package var exitCode: Int32 {
            switch verdict {
            case .good: 0
            case .revoked, .untrusted: 1
            case .undetermined: 3
            }
        }
    }

    /// A file that can't be read: wrong use, no verdict.
    package struct UnreadableFile: Error, CustomStringConvertible {
        package let file: String
        package let what: String
        package var description: String {
            "\(file): \(what)\n\(SourceFault.unreadable.advice.indented)"
        }
    }

    package var anchors: [String]
    package var intermediates: [String]
    package var lists: [String]
    package var policies: [OID]
    /// Seconds.
    package var maxAge: Int64?
    package var time: TrustedTime

    package init(
        anchors: [String], intermediates: [String], lists: [String], policies: [OID], maxAge: Int64?, time: TrustedTime
    ) {
        (self.anchors, self.intermediates, self.lists) = (anchors, intermediates, lists)
        (self.policies, self.maxAge, self.time) = (policies, maxAge, time)
    }

    package func run(certificate file: String) throws(UnreadableFile) -> Answer {
        let leaf = try Self.certificates(in: [file]).first ?? []
        var anchorCertificates: [[UInt8]] = []
        for file in anchors { anchorCertificates += try Self.anchors(in: file) }
        let others = try Self.certificates(in: intermediates)
        let collector = ListCollector(authorities: anchorCertificates + others)
        var unread: RevocationError?
        for file in lists {
            do {
                guard try !readLists(file, each: collector.take) else { continue }
                unread = unread ?? RevocationError(.crlUnusable, "it ends within a list")
            } catch let error as RevocationError {
                unread = unread ?? error
            } catch {
                throw UnreadableFile(file: file, what: "cannot be read")
            }
        }
        do throws(CertificateError) {
            let anchors = try TrustAnchors(anchorCertificates)
            let validated = try anchors.validate(
                UnverifiedCertificate(der: leaf), intermediates: others,
                requirements: CertificateRequirements(policies: policies), at: time)
            return Answer(
                of: collector.lists.check(validated, anchors: anchors, maxAge: maxAge),
                unread: unread, broken: collector.broken)
        } catch {
            return Answer(error)
        }
    }

    private static func anchors(in file: String) throws(UnreadableFile) -> [[UInt8]] {
        let all = try certificates(in: [file])
        do throws(CertificateError) {
            return try TrustAnchors(all).certificates.map(\.der)
        } catch {
            throw UnreadableFile(file: file, what: error.reason)
        }
    }

    /// The certificates of some files, DER.
    package static func certificates(in files: [String]) throws(UnreadableFile) -> [[UInt8]] {
        var all: [[UInt8]] = []
        for file in files {
            guard let bytes = file == "-" ? readStandardInput() : readFile(file) else {
                throw UnreadableFile(file: file, what: "cannot be read")
            }
            guard let blocks = try? derBlocks(in: bytes, label: "CERTIFICATE") else {
                throw UnreadableFile(file: file, what: "holds PEM that is not base64, or not closed")
            }
            guard !blocks.isEmpty else { throw UnreadableFile(file: file, what: "holds no certificate") }
            all += blocks
        }
        return all
    }
}

/// The codes of `kazashi check`: the path's, the lists', and what both were asked for.
package enum CheckCode: Equatable, Sendable {
    case good
    case revoked
    case certificate(CertificateError.Code)
    case lists(RevocationError.Code)

    package var text: String {
        switch self {
        case .good: "good"
        case .revoked: "revoked"
        case .certificate(let code): code.rawValue
        case .lists(let code): code.rawValue
        }
    }

    /// Nil where the answer is clear.
    package var advice: Advice? {
        switch self {
        case .good, .revoked: nil
        case .certificate(let code): code.advice
        case .lists(let code): code.advice
        }
    }

    package var verdict: CheckVerdict {
        switch self {
        case .good: .good
        case .revoked: .revoked
        case .certificate: .untrusted
        case .lists: .undetermined
        }
    }
}

/// The outcomes of a check, worst first.
package enum CheckVerdict: String, Sendable { case untrusted, revoked, undetermined, good }

extension CertificateCheck.Answer {
    init(_ error: CertificateError) { self.init(code: .certificate(error.code), reason: error.reason) }
    init(_ error: RevocationError) { self.init(code: .lists(error.code), reason: error.reason) }

    /// - Parameters:
    ///   - unread: why a source of lists was not read to its end. What it holds there may revoke, so nothing is good.
    ///   - broken: a list at hand that could not be read: the likelier reason for having none.
    init(of verdict: RevocationVerdict, unread: RevocationError? = nil, broken: RevocationError? = nil) {
        switch verdict {
        case .good:
            if let unread {
                self.init(code: .lists(unread.code), reason: "lists were not read to their end: \(unread.reason)")
                return
            }
            self.init(code: .good, reason: "valid, and on no revocation list that covers it")
        case .revoked(let reason): self.init(code: .revoked, reason: "on the revocation list (\(reason))")
        case .undetermined(let error):
            let told = error.code == .noCRL || error.code == .crlScope ? unread ?? broken ?? error : error
            self.init(told)
        }
    }
}
