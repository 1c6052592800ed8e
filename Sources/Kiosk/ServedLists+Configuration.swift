internal import Certificates
internal import Cryptography
internal import Glibc
package import ListKeeper
internal import Revocation
package import Settings

extension ServedLists {
    /// What lies in a kiosk's store now; nothing is made there.
    package init(of configuration: Configuration) {
        let folder = configuration.revocationStore
        let store = access(folder, F_OK) == 0 ? try? RevocationStore(folder: folder) : nil
        self.init(store?.open().lists ?? [], anchors: configuration.anchors.certificates.map(\.publicKeyInfo))
    }
}

extension KioskClock {
    /// For a program that keeps no lists itself.
    package static func ofStore(_ configuration: Configuration) -> KioskClock {
        KioskClock(configuration, lists: ServedLists(of: configuration))
    }
}
