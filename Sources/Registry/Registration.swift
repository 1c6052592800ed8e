package import Cryptography

/// The pseudonym that the platform issued for one connected system (PPID): an identity.
package typealias PPID = Confidential<String>

/// What a registration holds. Everything in it lies inside the seal.
package struct Registration: Sendable, CustomStringConvertible {
    package enum State: String, Codable, Sendable {
        case active
        /// By an operator, or because a proven card refused the birth date.
        case suspended
    }
    package var state: State
    /// DER of the user-authentication certificate.
    package var certificate: Confidential<[UInt8]>
    /// By library name.
    package var ppids: [String: PPID]
    /// Library card numbers, by library name.
    package var serviceIDs: [String: Confidential<String>]
    /// `YYYY-MM-DD`.
    package var birthDate: Confidential<String>
    /// Six digits, where the printed form is not the Japanese era's.
    package var birthKey: Confidential<String>?
    /// DER SubjectPublicKeyInfo of the card's own key.
    package var cardKey: Confidential<[UInt8]>?
    /// The key id that signed the card's age record at the last proof: saves reading EF 0004 again.
    package var recordIssuer: [UInt8]?
    /// How often in a row the card refused the birth date while none of its keys was pinned. Made anew, it begins at 0.
    package internal(set) var birthDateRefusals = 0
    /// Seconds since 1970.
    package var since: Int64

    /// No VERIFY is sent any more: anyone's card could have refused, so nobody is suspended, but a mistake in the record must
    /// not spend a patron's tries.
    package var isBirthDateSpent: Bool { birthDateRefusals >= 2 }

    package init(
        certificate: Confidential<[UInt8]>, ppids: [String: PPID], serviceIDs: [String: Confidential<String>] = [:],
        birthDate: Confidential<String>, birthKey: Confidential<String>? = nil, cardKey: Confidential<[UInt8]>? = nil,
        since: Int64
    ) {
        (self.state, self.certificate, self.ppids, self.serviceIDs) = (.active, certificate, ppids, serviceIDs)
        (self.birthDate, self.birthKey, self.cardKey, self.since) = (birthDate, birthKey, cardKey, since)
    }

    package var description: String { "[registration]" }
}

/// A registration that was active when it was looked up. Only `RegistrationStore.lookUp` makes one.
package struct ActiveRegistration: Sendable, CustomStringConvertible {
    package let id: RegistrationID
    package let registration: Registration
    /// Counts the row's changes.
    let version: Int64

    init(id: RegistrationID, registration: Registration, version: Int64) {
        (self.id, self.registration, self.version) = (id, registration, version)
    }

    package var description: String { "[registration]" }
}

/// Where a registration stands: a keyed hash of the certificate's bytes. Without the key it names nobody.
package struct RegistrationID: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// The first 16 hex digits: what an operator sees and types.
    package var short: String { Array(bytes.prefix(8)).hexText }
    package var description: String { "[registration]" }
}

package enum LookUpResult: Sendable {
    case unknown
    case suspended
    case active(ActiveRegistration)
}

/// A registration as it is kept: where it stands, and what it holds.
package struct StoredRegistration: Sendable, CustomStringConvertible {
    package let id: RegistrationID
    /// Nil: the row is not as it was written.
    package let registration: Registration?

    package var description: String { "[registration]" }
}

/// One line of `registration list`.
package struct RegistrationSummary: Sendable {
    package enum State: String, Sendable {
        case active
        case suspended
        /// Not as it was written: it can be removed, and nothing else.
        case damaged
    }
    package let id: String
    package let state: State
    package let isPinned: Bool
    /// Not pinned, and no longer tried until staff says so.
    package let isBirthDateSpent: Bool
    package let libraries: [String]
    /// Seconds since 1970; nil of a damaged one, and where no time was believed.
    package let since: Int64?

    package init(_ stored: StoredRegistration) {
        let registration = stored.registration
        id = stored.id.short
        state = registration.map { $0.state == .active ? .active : .suspended } ?? .damaged
        isPinned = registration?.cardKey != nil
        isBirthDateSpent = !isPinned && registration?.isBirthDateSpent ?? false
        (libraries, since) = (
            registration?.ppids.keys.sorted() ?? [], registration?.since == 0 ? nil : registration?.since
        )
    }
}
