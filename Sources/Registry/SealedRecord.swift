internal import Cryptography
internal import FoundationEssentials

/// The keys of the registry, derived apart from the one storage key.
struct RegistryKeys: Sendable {
    let lookUp: SecretBytes
    let sealing: SecretBytes
    /// Stored in the clear: tells a wrong key before anything is read or written, and nothing else.
    let check: [UInt8]

    init(storageKey: SecretBytes) throws(CryptographyError) {
        lookUp = try derivedKey(from: storageKey, purpose: "kazashi registry look-up 1")
        sealing = try derivedKey(from: storageKey, purpose: "kazashi registry sealing 1")
        let check = try derivedKey(from: storageKey, purpose: "kazashi registry check 1")
        self.check = hmacSHA256(Array("kazashi".utf8), key: check)
    }

    func id(of certificate: [UInt8]) -> RegistrationID {
        RegistrationID(bytes: hmacSHA256(certificate, key: lookUp))
    }
}

/// A registration as it lies in the table: nonce ‖ ciphertext ‖ tag. The associated data binds it to its row, its
/// version and this format, so that rows can't be swapped, nor an older one put under a newer version's number.
enum SealedRecord {
    private static let format = Array("kazashi registration 1".utf8)

    private static func associated(_ id: RegistrationID, _ version: Int64) -> [UInt8] {
        format + id.bytes + (0..<8).map { UInt8(truncatingIfNeeded: version >> (56 - 8 * $0)) }
    }

    static func seal(_ registration: Registration, id: RegistrationID, version: Int64, key: SecretBytes) throws
        -> [UInt8]
    {
        var plaintext = Array(try JSONEncoder().encode(Contents(registration)))
        defer { wipe(&plaintext) }
        return try AESGCM.sealRecord(plaintext, key: key, associated: associated(id, version))
    }

    static func open(_ sealed: [UInt8], id: RegistrationID, version: Int64, key: SecretBytes) throws -> Registration {
        let plaintext = try AESGCM.openRecord(sealed, key: key, associated: associated(id, version))
        var data = plaintext.withBytes { Data($0) }
        defer { data.resetBytes(in: 0..<data.count) }
        return try JSONDecoder().decode(Contents.self, from: data).registration
    }

    /// What is inside the seal.
    private struct Contents: Codable {
        let state: Registration.State
        let certificate: Data
        let ppids: [String: String]
        let serviceIDs: [String: String]
        let birthDate: String
        let birthKey: String?
        let cardKey: Data?
        let recordIssuer: Data?
        /// Nil in records from before it was counted.
        let birthDateRefusals: Int?
        let since: Int64

        init(_ registration: Registration) {
            state = registration.state
            certificate = Data(registration.certificate.revealed)
            ppids = registration.ppids.mapValues(\.revealed)
            serviceIDs = registration.serviceIDs.mapValues(\.revealed)
            birthDate = registration.birthDate.revealed
            birthKey = registration.birthKey?.revealed
            cardKey = registration.cardKey.map { Data($0.revealed) }
            recordIssuer = registration.recordIssuer.map { Data($0) }
            birthDateRefusals = registration.birthDateRefusals
            since = registration.since
        }

        var registration: Registration {
            var registration = Registration(
                certificate: Confidential(Array(certificate)), ppids: ppids.mapValues { Confidential($0) },
                serviceIDs: serviceIDs.mapValues { Confidential($0) }, birthDate: Confidential(birthDate),
                birthKey: birthKey.map { Confidential($0) }, cardKey: cardKey.map { Confidential(Array($0)) },
                since: since)
            registration.state = state
            registration.recordIssuer = recordIssuer.map { Array($0) }
            registration.birthDateRefusals = birthDateRefusals ?? 0
            return registration
        }
    }
}
