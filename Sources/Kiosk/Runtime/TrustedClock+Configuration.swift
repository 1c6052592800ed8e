internal import Clock
internal import Service
package import Settings

extension TrustedClock {
    /// The kiosk's clock: what is known of this boot lies in its state folder.
    package init(_ configuration: Configuration) {
        self.init(
            source: configuration.timeSource,
            belief: BootBelief(
                path: configuration.state + "/clock", boot: BootBelief.thisBoot(environment: ServiceManager.variable)))
    }
}
