internal import Announcement
internal import Clock
package import Registrations
package import Registry
package import Settings

extension KioskDatabase {
    package init(_ configuration: Configuration, clock: KioskClock) throws(RegistryError) {
        try self.init(
            state: configuration.state, storageKey: configuration.storageKey, platform: configuration.platform,
            libraries: configuration.libraries.map(\.name), now: { clock.now()?.secondsSince1970 })
    }
}
