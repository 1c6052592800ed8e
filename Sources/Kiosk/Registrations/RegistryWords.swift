package import Panel
package import Registry

extension RegistryError {
    /// What an operator is to do about it.
    package var advice: OperatorAdvice {
        switch code {
        case .wrongKey: .wrongStorageKey
        case .damaged: .databaseDamaged
        case .unavailable: .databaseUnavailable
        case .unknownID: .unknownRegistration
        case .otherCardKey: .otherCardKey
        }
    }
}
