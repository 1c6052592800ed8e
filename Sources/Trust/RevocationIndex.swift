/// CRLReason (RFC 5280 5.3.1).
package enum RevocationReason: Int, Sendable, CaseIterable {
    case unspecified = 0
    case keyCompromise = 1
    case caCompromise = 2
    case affiliationChanged = 3
    case superseded = 4
    case cessationOfOperation = 5
    case certificateHold = 6
    /// Only in a delta list: the certificate is released from hold.
    case removeFromCRL = 8
    case privilegeWithdrawn = 9
    case aaCompromise = 10
}

/// Answers which serials a list names. The whole list may lie behind it in any form that answers exactly.
package protocol RevocationIndex: Sendable {
    var count: Int { get }
    /// - Parameter serial: the canonical value (`SerialNumber`).
    /// - Returns: nil when the list does not name it.
    /// - Throws: when the index can not be believed any more.
    func reason(for serial: SerialNumber) throws(TrustError) -> RevocationReason?
}

/// A certificate's serial number as its canonical two's complement bytes: an identity, so it prints as nothing.
package struct SerialNumber: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    /// - Parameter contents: of the INTEGER, minimal or not.
    package init(contents: some Collection<UInt8>) {
        var rest = Array(contents)[...]
        while rest.count > 1, let first = rest.first {
            let second = rest[rest.startIndex + 1]
            guard (first == 0x00 && second & 0x80 == 0) || (first == 0xFF && second & 0x80 != 0) else { break }
            rest = rest.dropFirst()
        }
        bytes = Array(rest)
    }

    package var description: String { "[serial]" }
}

/// The whole list in memory: right for lists of a test or a small authority.
package struct MemoryRevocationIndex: RevocationIndex {
    private let reasons: [SerialNumber: RevocationReason]
    package var count: Int { reasons.count }

    init(_ reasons: [SerialNumber: RevocationReason]) { self.reasons = reasons }

    package func reason(for serial: SerialNumber) throws(TrustError) -> RevocationReason? { reasons[serial] }
}
