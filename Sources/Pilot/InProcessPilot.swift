package import Announcement
package import Clock
package import Desk
internal import Foundation
package import Kiosk
internal import Logging
package import Panel
package import Registrations
package import Registry
internal import Service
internal import Settings
internal import Synchronization
internal import TestRig
package import VirtualCard

/// The kiosk's runtime, a card and a desk in one process: no pcscd between. For where namespaces are not to be had, and
/// for tests of what does not need the real stack.
package final class InProcessPilot: Sendable {
    package let reader = InProcessReader()
    package let desk: PushServer
    package let database: KioskDatabase
    package var store: RegistrationStore { database.registrations }
    package var outbox: Outbox { database.outbox }
    package let runtime: KioskRuntime
    private let notes: Notes
    private let taps: AsyncStream<KioskProcess.Tap>
    private let running: Task<Void, Never>
    /// Log lines as they come.
    private let lines: AsyncStream<String>

    private final class Notes: Sendable {
        let shown = Mutex<[String]>([])
        let logged = Mutex<[String]>([])
    }

    /// - Parameters:
    ///   - becomesReady: waits until it is.
    ///   - outageAfter: how long it is out of service before libraries are told.
    ///   - systemClock: instead of the machine's.
    ///   - rehearsal: as the runtime's.
    ///   - panel: instead of a display whose texts are kept in `shown`.
    package init(
        folder: PilotFolder, records: [[String: Any]], options: PilotFolder.Options = .init(),
        becomesReady: Bool = true,
        outageAfter: Duration = .seconds(60), reminderAfter: Duration = .seconds(3),
        leftCardAfter: Duration = .seconds(30), healthInterval: Duration = .seconds(5), disk: StateDisk? = nil,
        panel: FrontPanel? = nil, systemClock: TrustedClock? = nil, rehearsal: (@Sendable (Rehearsed) -> Void)? = nil
    ) async throws {
        desk = try PushServer(desk: folder.desk(suite: options.suite))
        var options = options
        options.port = try await desk.start()
        try folder.writeConfiguration(options)
        let configuration = try Configuration(file: folder.configuration)
        let clock = KioskClock(configuration, system: systemClock)
        database = try KioskDatabase(configuration, clock: clock)
        let report = await RegistrationImport(store: database.registrations, libraries: ["central"]).run(
            Array(try JSONSerialization.data(withJSONObject: records)), now: folder.now)
        guard report?.stored == records.count else { throw ChildProcess.Failed(description: "import failed") }
        let (states, stateContinuation) = AsyncStream<Bool>.makeStream()
        let (taps, continuation) = AsyncStream<KioskProcess.Tap>.makeStream()
        self.taps = taps
        let (lines, lineContinuation) = AsyncStream<String>.makeStream()
        self.lines = lines
        let notes = Notes()
        self.notes = notes
        let ledger = KioskLedger()
        runtime = try KioskRuntime(
            configuration: configuration, database: database, clock: clock,
            announcer: Appliance.announcer(for: configuration, clock: clock, ledger: ledger),
            source: reader,
            panel: panel
                ?? FrontPanel(
                    layout: configuration.panel.layout,
                    display: DevicePlayer(
                        TerminalDisplay { text in
                            notes.shown.withLock { $0.append(text.trimmingCharacters(in: .newlines)) }
                        }, name: "display")),
            output: TapOutput { line in
                if line.contains(#""state":"ready""#) { stateContinuation.yield(true) }
                let tap = try? JSONDecoder().decode(KioskProcess.Tap.self, from: Data(line.utf8))
                if let tap { continuation.yield(tap) }
            },
            log: Logger(label: "kazashi") { _ in
                LineLog { line in
                    notes.logged.withLock { $0.append(line) }
                    lineContinuation.yield(line)
                }
            }, ledger: ledger, outageAfter: outageAfter, reminderAfter: reminderAfter, leftCardAfter: leftCardAfter,
            healthInterval: healthInterval, disk: disk, rehearsal: rehearsal)
        running = Task { [runtime] in await runtime.run() }
        // The first start takes its lists.
        if becomesReady { for await _ in states { break } }
    }

    /// Lays the card down, waits for the outcome, and takes it away.
    package func tap(_ card: CardInField) async -> KioskProcess.Tap {
        reader.insert(card)
        let tap = await nextTap()
        reader.remove()
        return tap
    }

    package func nextTap() async -> KioskProcess.Tap {
        for await tap in taps { return tap }
        return KioskProcess.Tap(outcome: "none", code: "none", ms: 0, card_ms: 0, apdus: 0)
    }

    /// Waits until no library is owed anything: what the import owes is carried beside the taps.
    package func owedIsDelivered() async throws {
        while try await outbox.depth() != [:] { await Task.yield() }
    }

    /// Waits for a log line that was not waited for yet.
    package func log(containing text: String) async -> String? {
        for await line in lines where line.contains(text) { return line }
        return nil
    }

    package var shown: [String] { notes.shown.withLock { $0 } }
    package var logged: String { notes.logged.withLock { $0.joined(separator: "\n") } }

    /// A kiosk with the pilot's cards, in a folder that is gone when the body has ended, however it did.
    /// - Parameters:
    ///   - options: the folder's, and the kiosk's.
    ///   - make: the kiosk, where it is another than one that holds the cards' own records.
    package static func withPilot(
        options: PilotFolder.Options = .init(), make: ((PilotCards) async throws -> InProcessPilot)? = nil,
        _ body: (PilotCards, InProcessPilot) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path, options: options)
        let make = make ?? { try await InProcessPilot(folder: $0.folder, records: $0.records, options: options) }
        let pilot = try await make(cards)
        try await pilot.whileRunning { try await body(cards, pilot) }
    }

    /// Stops when the body has ended, however it did.
    package func whileRunning(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            await stop()
            throw error
        }
        await stop()
    }

    /// Ends the kiosk as SIGTERM does; the desk goes on.
    package func stopKiosk() async {
        running.cancel()
        await running.value
    }

    package func stop() async {
        await stopKiosk()
        await desk.stop()
    }
}

/// Log lines with their metadata, kept for a test to look into.
private struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    let write: @Sendable (String) -> Void

    init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        write("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}
