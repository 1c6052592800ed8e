internal import Certificates
internal import Cryptography
internal import ListKeeper
internal import Login
internal import Revocation
internal import Settings

// The certificate's part of the effects.

extension KioskRuntime {
    func validate(_ presence: Presence) {
        guard let read = evidence[presence]?.certificate, let now = trustedNow() else {
            return take(.validated(.undetermined), of: presence)
        }
        let (configuration, lists) = (configuration, revocation.lists)
        let certificate = UnverifiedCertificate(der: read.withBytes { Array($0) })
        spawn(presence) {
            let result = await CertificateValidation.run(
                certificate, anchors: configuration.anchors, requirements: configuration.requirements, lists: lists,
                maxAge: configuration.maxAge, at: now)
            switch result {
            case .good(let validated, let revocation):
                await self.keep(validated, revocation, of: presence)
                return .validated(.good)
            case .bad(let validation): return .validated(validation)
            case .damaged:
                Task { await self.keeper.repair() }
                return .validated(.undetermined)
            }
        }
    }

    private func keep(_ validated: ValidatedCertificate, _ revocation: GoodRevocation, of presence: Presence) {
        evidence.keep(validated, as: \.validated, of: presence)
        evidence.keep(revocation, as: \.revocation, of: presence)
    }
}
