internal import Files

/// Why lists can't tell about a certificate, or a list is not taken. The reason names rules and files, never a subject
/// or a serial.
package struct RevocationError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case noCRL = "no_crl"
        case crlStale = "crl_stale"
        case crlUnusable = "crl_unusable"
        case crlScope = "crl_scope"
        // Of imports only.
        case crlRollback = "crl_rollback"
        case crlAhead = "crl_ahead"
        // Of the disk.
        case storeUnavailable = "store_unavailable"
        case storeDamaged = "store_damaged"
    }
    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) { (self.code, self.reason) = (code, reason) }

    package var description: String { "\(code.rawValue): \(reason)" }
}

/// What the store's disk refuses is `storeUnavailable`.
func onDisk<Value>(_ body: () throws(FilesError) -> Value) throws(RevocationError) -> Value {
    do throws(FilesError) {
        return try body()
    } catch {
        throw RevocationError(error)
    }
}

extension RevocationError {
    init(_ error: FilesError) { self.init(.storeUnavailable, "\(error)") }
}
