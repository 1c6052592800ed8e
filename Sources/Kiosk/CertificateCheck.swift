internal import Cryptography
internal import Panel
package import TLV
package import Trust

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
            "\(file): \(what)\n  \(OperatorAdvice.certificateFile.english)\n  \(OperatorAdvice.certificateFile.japanese)"
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
        let leaf = try read([file], label: "CERTIFICATE").first ?? []
        let anchorCertificates = try read(anchors, label: "CERTIFICATE")
        let others = try read(intermediates, label: "CERTIFICATE")
        let listBytes = try read(lists, label: "X509 CRL")
        do throws(TrustError) {
            let anchors = try TrustAnchors(anchorCertificates)
            let validated = try anchors.validate(
                UnverifiedCertificate(der: leaf), intermediates: others,
                requirements: CertificateRequirements(policies: policies), at: time)
            return revocation(of: validated, anchors: anchors, lists: listBytes)
        } catch {
            return Answer(code: error.code, reason: error.reason)
        }
    }

    private func revocation(of validated: ValidatedCertificate, anchors: TrustAnchors, lists: [[UInt8]]) -> Answer {
        var readable: [UnverifiedRevocationList] = []
        var broken: TrustError?
        for der in lists {
            do throws(TrustError) {
                readable.append(try UnverifiedRevocationList(der: der))
            } catch {
                broken = error
            }
        }
        switch RevocationLists(readable).check(validated, anchors: anchors, maxAge: maxAge) {
        case .good: return Answer(code: .good, reason: "valid, and on no revocation list that covers it")
        case .revoked(let reason): return Answer(code: .revoked, reason: "on the revocation list (\(reason))")
        case .undetermined(let error):
            // A list that could not be read is the likelier reason for having none.
            if let broken, error.code == .noCRL || error.code == .crlScope {
                return Answer(code: broken.code, reason: broken.reason)
            }
            return Answer(code: error.code, reason: error.reason)
        }
    }

    private func read(_ files: [String], label: String) throws(UnreadableFile) -> [[UInt8]] {
        var all: [[UInt8]] = []
        for file in files {
            guard let bytes = readFile(file) else { throw UnreadableFile(file: file, what: "can not be read") }
            guard let blocks = try? derBlocks(in: bytes, label: label), !blocks.isEmpty else {
                throw UnreadableFile(file: file, what: "holds no \(label == "CERTIFICATE" ? "certificate" : "list")")
            }
            all += blocks
        }
        return all
    }
}
