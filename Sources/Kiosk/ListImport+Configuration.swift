package import Certificates
internal import Clock
package import ListKeeper
package import Revocation
package import Settings

extension ListImport {
    /// For a kiosk's store: by the clock that the kiosk itself believes.
    package init(store: RevocationStore, issuers: TrustAnchors, configuration: Configuration) {
        let clock = KioskClock(configuration)
        self.init(store: store, issuers: issuers, clock: { clock.importLimit() })
    }
}
