internal import Login
internal import Panel
internal import Service
internal import Settings

/// A service that can't take cards before something outside it is mended: it stays up and says so, on the panel, in its
/// status line, on the status socket and in the metrics, and tries again.
struct Standby: Sendable {
    let cause: Cause
    /// What the display says; nil: that it is out of service, with the cause's code.
    var message: Message?
    let parts: ReadableParts
    let slot: RunningSlot?
    let service: ServiceManager
    let events: ProcessEvents
    let output: TapOutput
    /// The configuration: it is tried at once when it changes.
    let file: String

    enum End<Value: Sendable>: Sendable {
        case mended(Value)
        case told
        /// It lasted: only another start may bring it.
        case lasted
    }

    /// Trying again is quick, and finds what no event tells of: a file that the configuration names.
    private static let pause = Duration.seconds(5)

    /// - Parameters:
    ///   - patience: how long it is tried here; nil: for as long as it takes.
    ///   - attempt: tried at each event; nil when it is no better.
    func wait<Value: Sendable>(_ patience: Duration?, _ attempt: () async -> Value?) async -> End<Value> {
        output.state(cause)
        service.status("out of service: \(cause.rawValue) (\(cause.shortCode.rawValue))")
        let start = ContinuousClock.now
        // What it says stays: whoever comes after says something of their own.
        let panel = parts.panel.map { FrontPanel($0.on(slot), saysGoodbye: false) }
        panel?.show(message ?? .outOfService(cause.shortCode))
        let socket = try? StatusSocket(parts.statusSocket) {
            report(panel, since: start.duration(to: .now)).json
        }
        defer { socket?.stop() }
        let metrics = parts.metricsFile.map { MetricsFile(path: $0) }
        let showing = Task { await panel?.run() }
        let tick = service.watchdog.map { min($0, Self.pause) } ?? Self.pause
        let watching = Task { await events.watch(file, tick: tick) }
        var end = End<Value>.told
        loop: for await event in events.stream {
            if event == .end { break }
            service.alive()
            _ = await metrics?.replace(
                with: MetricsPage.text(report(panel, since: start.duration(to: .now)), KioskLedger().counts))
            if let value = await attempt() {
                end = .mended(value)
                break loop
            }
            if let patience, start.duration(to: .now) > patience {
                end = .lasted
                break loop
            }
        }
        watching.cancel()
        showing.cancel()
        await watching.value
        await showing.value
        return end
    }

    private func report(_ panel: FrontPanel?, since: Duration) -> StatusReport {
        StatusReport(
            kiosk: parts.kioskID ?? "-", state: "out_of_service", cause: cause.rawValue, code: cause.shortCode.rawValue,
            since: since.components.seconds, uptime: since.components.seconds,
            reader: nil,
            lists: .init(served: 0, entries: 0, age: nil, firstEnds: nil, lastEnds: nil), libraries: [],
            unconfigured: [],
            panel: (panel?.conditions ?? []).map { .init(part: $0.part.rawValue, condition: $0.condition.code) },
            taps: [:], test: false, configuration: nil)
    }
}
