package import Announcement
internal import Certificates
internal import Clock
internal import Cryptography
internal import Files
internal import Glibc
internal import ListKeeper
package import Logging
internal import Login
internal import MyNumberCard
package import Panel
package import Registrations
internal import Registry
package import Service
package import Settings
package import SmartCard

/// Carries out the login's effects: the one place where card, certificate, registration and library meet. It holds a
/// presence's evidence until `forget`, and nothing of anybody after.
package actor KioskRuntime {
    let configuration: Configuration
    let store: RegistrationStore
    let outbox: Outbox
    let announcer: Announcer
    let source: any CardSource
    let panel: PanelDriver
    let output: TapOutput
    let log: Logger
    let clock: KioskClock
    let disk: StateDisk
    private let service: ServiceManager
    let ledger: KioskLedger
    /// Told each step of a tap that is only tried: nobody is told then, and nothing is written but a card's tries.
    let rehearsal: (@Sendable (Rehearsed) -> Void)?
    let started = ContinuousClock.now
    private(set) var stateSince = ContinuousClock.now

    private var machine = LoginMachine()
    var parts = Parts()
    /// Everything is open that the kiosk needs before it looks for a reader.
    private(set) var hasStarted = false
    private var reported: Cause?? = .none
    /// Why it takes no taps; before anything was reported, for want of a reader.
    var shownCause: Cause? { reported ?? .reader }
    var evidence = Evidence()
    var revocation = ServedLists.none
    var upkeep: Upkeep
    private(set) lazy var keeper = RevocationKeeper(
        folder: configuration.revocationStore, files: configuration.revocationFiles,
        urls: configuration.revocationURLs, anchors: configuration.anchors.certificates, log: log,
        clock: { [clock] in clock.importLimit() }
    ) { [weak self] in await self?.serve($0) }
    private(set) lazy var courier = OutboxCourier(
        outbox: outbox, announcer: announcer, libraries: configuration.libraries.map(\.name),
        now: { [clock] in clock.now()?.secondsSince1970 },
        report: { [log, weak self] notice in
            log.note(notice)
            if notice == .unavailable { Task { await self?.noteDatabase(RegistryError(.unavailable)) } }
        })
    /// Keys that signed age records, each verified once under the card anchors: about as many as there are municipalities.
    var issuers: [KeyIdentifier: RecordIssuerKey] = [:]

    private var presences: UInt64 = 0
    var insertions: [Presence: (at: ContinuousClock.Instant, reader: String)] = [:]
    var visit: Visit?
    /// The last suspension that was handed to the registrations.
    var lastNoted: Task<Void, Never>?
    /// The last word on an announcement that was handed on.
    var lastTold: Task<Void, Never>?
    let visitKey: SecretBytes

    /// What waits for a card to be taken.
    var reminders: [Presence: [Task<Void, Never>]] = [:]

    static let cardLimit = Duration.seconds(5)
    /// The patron is told within five seconds, whatever the library does.
    static let announcementLimit = Duration.milliseconds(4_800)
    let reminderAfter: Duration
    let leftCardAfter: Duration
    private let healthInterval: Duration

    /// - Parameters:
    ///   - outageAfter: how long the kiosk is out of service before libraries that want to know are told.
    ///   - reminderAfter: how long after its outcome a card lies there before its owner is reminded.
    ///   - leftCardAfter: how long before the libraries are told that one was left.
    ///   - healthInterval: how often clock, lists and disk are looked at.
    ///   - disk: what stores the time; nil: the state folder's.
    ///   - ledger: what the announcer notes in, too.
    ///   - service: told of the kiosk's state.
    ///   - rehearsal: taps are walked through without pinning, suspending or announcing, and each step is told.
    /// - Throws: without randomness.
    package init(
        configuration: Configuration, database: KioskDatabase, clock: KioskClock, announcer: Announcer,
        source: any CardSource,
        panel: FrontPanel, output: TapOutput, log: Logger, ledger: KioskLedger = KioskLedger(),
        service: ServiceManager = ServiceManager { _ in nil }, outageAfter: Duration = .seconds(60),
        reminderAfter: Duration = .seconds(3), leftCardAfter: Duration = .seconds(30),
        healthInterval: Duration = .seconds(5), disk: StateDisk? = nil,
        rehearsal: (@Sendable (Rehearsed) -> Void)? = nil
    ) throws {
        self.rehearsal = rehearsal
        (self.reminderAfter, self.leftCardAfter, self.healthInterval) = (reminderAfter, leftCardAfter, healthInterval)
        (self.configuration, self.clock, self.announcer) = (configuration, clock, announcer)
        (store, outbox) = (database.registrations, database.outbox)
        (self.source, self.output, self.log) = (source, output, log)
        (self.ledger, self.service) = (ledger, service)
        self.panel = PanelDriver(panel)
        self.disk = disk ?? StateDisk(state: configuration.state)
        upkeep = Upkeep(
            outage: OutageWatch(shortest: outageAfter),
            freshness: FreshnessWatch(maxAge: configuration.maxAge))
        visitKey = try SecureRandom.shared.secret(32)
    }

    /// Presences that something is held of: one, while a card lies there.
    package var presencesHeld: Int { evidence.presences.count }

    // MARK: Life

    /// Runs until the task is cancelled.
    package func run() async {
        for file in configuration.anchorFilesLeftOut { log.note(KioskNote.anchorLeftOut, ["file": "\(file)"]) }
        note(await disk.condition(hasFailed: false), failures: 0)
        await keeper.open()
        checkHealth()
        await announcer.prepare()
        hasStarted = true
        let (events, continuation) = AsyncStream<(event: ReaderEvent, at: ContinuousClock.Instant)>.makeStream()
        let source = source
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await source.prepare()
                await source.watch { continuation.yield(($0, .now)) }
                continuation.finish()
            }
            group.addTask {
                for await (event, at) in events { await self.take(event, at: at) }
            }
            group.addTask { [panel] in await panel.run() }
            group.addTask { [keeper] in await keeper.run() }
            if rehearsal == nil {
                // A disk that takes nothing takes no change either that could be owed.
                group.addTask { [outbox, configuration] in
                    try? await outbox.remember(Set(configuration.libraries.map(\.name)))
                }
                group.addTask { [courier] in await courier.run() }
                if let path = configuration.metricsFile { group.addTask { await self.writeMetrics(to: path) } }
            }
            group.addTask { [healthInterval] in
                // Lists grow old and clocks lose their source without an event.
                while (try? await Task.sleep(for: healthInterval)) != nil {
                    await self.askDisk()
                    await self.checkHealth()
                }
            }
            await group.waitForAll()
        }
        // This task is cancelled; another is not.
        await Task { await windDown() }.value
    }

    // MARK: Events

    private func take(_ event: ReaderEvent, at instant: ContinuousClock.Instant) {
        let before = parts
        parts.note(event)
        switch event {
        case .cardInserted(let reader):
            presences += 1
            let presence = Presence(number: presences)
            insertions[presence] = (instant, reader)
            handle(.inserted(presence))
        case .cardRemoved: handle(.removed)
        case .serviceUnavailable, .readerUnavailable:
            // Whatever lay there can't be told any more.
            if before.hasReader { handle(.removed) }
        case .readerAvailable, .others, .readerHeld, .readerReleased: break
        }
        if parts.cause != before.cause { handle(.health(parts.cause)) }
    }

    func take(_ fact: Fact, of presence: Presence) {
        rehearsal?(.fact(fact))
        handle(.fact(presence, fact))
    }

    func handle(_ event: LoginEvent) {
        for effect in machine.handle(event) { perform(effect) }
        reportState()
    }

    private func reportState() {
        let cause: Cause?
        switch machine.state {
        case .ready: cause = nil
        case .outOfService(let why): cause = why
        case .reading, .proving, .announcing, .settled: return
        }
        guard reported != .some(cause) else { return }
        rehearsal?(.state(cause))
        reported = .some(cause)
        stateSince = .now
        output.state(cause)
        service.status(cause.map { "out of service: \($0.rawValue) (\($0.shortCode.rawValue))" } ?? "ready")
        if let cause {
            log.warning(
                "out of service",
                metadata: Logger.words(cause.shortCode.rawValue, cause.advice, ["cause": "\(cause.rawValue)"]))
        } else {
            log.info("ready")
        }
    }

    // MARK: Effects

    private func perform(_ effect: LoginEffect) {
        switch effect {
        case .show(let face): panel.post(face)
        case .begin(let presence): begin(presence)
        case .startDeadline(let presence, let limit): startDeadline(presence, limit)
        case .read(let presence): read(presence)
        case .identify(let presence): identify(presence)
        case .lookUp(let presence): lookUp(presence)
        case .validate(let presence): validate(presence)
        case .challenge(let presence): challenge(presence)
        case .countTries(let presence): countTries(presence)
        case .verifyBirthDate(let presence): verifyBirthDate(presence)
        case .prove(let presence): prove(presence)
        case .pinCardKey(let presence):
            guard rehearsal == nil else { return take(.cardKeyPinned(true), of: presence) }
            pinCardKey(presence)
        // Sealing opens a connection to the library.
        case .seal(let presence): if rehearsal == nil { seal(presence) }
        case .suspend(let presence): if rehearsal == nil { suspend(presence) }
        case .noteRefusal(let presence): noteRefusal(presence)
        case .announce(let clearance):
            guard rehearsal == nil else { return take(.announced(.acknowledged), of: clearance.presence) }
            announce(clearance)
        case .withdraw(let presence): withdraw(presence)
        case .endPresence: leaveVisit()
        case .continueVisit: continueVisit()
        case .reportLeftCard: reportLeftCard(at: trustedNow())
        case .releaseCard(let presence): releaseCard(presence)
        case .report(let presence, let outcome): report(presence, outcome)
        case .forget(let presence): forget(presence)
        }
    }

    /// Does the work of an effect and hands its fact to the login; nil: there is nothing to say.
    func spawn(_ presence: Presence, _ work: @escaping @Sendable () async -> Fact?) {
        let task = Task {
            guard let fact = await work() else { return }
            take(fact, of: presence)
        }
        evidence.add(task, to: \.work, of: presence)
    }
}
