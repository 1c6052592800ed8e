package import Kiosk
internal import Logging
package import Login
internal import Panel
internal import Registrations
package import Settings
internal import SmartCard

/// Walks one card through the whole login, by the kiosk's own code, and announces nothing, pins nothing and suspends
/// nobody. The kiosk itself must not run meanwhile: it would see the same card.
package struct Rehearsal: Sendable {
    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// - Parameter tell: each step, as it happens; nothing in it is anybody's.
    /// - Returns: how the tap would have ended.
    /// - Throws: `RegistryError`.
    package func run(_ tell: @escaping @Sendable (Rehearsed) -> Void) async throws -> Outcome? {
        let clock = KioskClock(configuration)
        let database = try KioskDatabase(configuration, clock: clock)
        let (outcomes, continuation) = AsyncStream<Outcome>.makeStream()
        let runtime = try KioskRuntime(
            configuration: configuration, database: database, clock: clock,
            announcer: Appliance.announcer(for: configuration, clock: clock),
            source: PCSCCardSource(nameFilter: configuration.readerName),
            panel: FrontPanel(layout: configuration.panel.layout), output: .none,
            log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() }
        ) { step in
            tell(step)
            if case .outcome(let outcome) = step { continuation.yield(outcome) }
        }
        let running = Task { await runtime.run() }
        var first: Outcome?
        for await outcome in outcomes {
            first = outcome
            break
        }
        running.cancel()
        await running.value
        return first
    }
}
