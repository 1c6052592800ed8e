/// A certificate that is not believed. The reason names rules and files, never a subject or a serial.
package struct CertificateError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case noPath = "no_path"
        case signature
        case expired
        case notYetValid = "not_yet_valid"
        case keyUsage = "key_usage"
        case policy
        case constraints
        case malformed
    }
    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) { (self.code, self.reason) = (code, reason) }

    package var description: String { "\(code.rawValue): \(reason)" }
}
