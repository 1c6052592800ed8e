package import Panel
package import Registry

extension RegistryError.Code {
    /// What the code means.
    package var meaning: String {
        switch self {
        case .wrongKey: "the storage key is not the database's"
        case .damaged: "the registrations are damaged"
        case .unavailable: "the registrations can't be read or written"
        case .newerSchema: "the database was made by a newer version"
        case .unknownID: "no registration has that id"
        case .otherCardKey: "another card key is pinned"
        }
    }
}

extension RegistryError {
    /// What an operator is to do about it.
    package var advice: OperatorAdvice {
        switch code {
        case .wrongKey: .wrongStorageKey
        case .damaged: .databaseDamaged
        case .unavailable: .databaseUnavailable
        case .newerSchema: .newerDatabase
        case .unknownID: .unknownRegistration
        case .otherCardKey: .otherCardKey
        }
    }
}
