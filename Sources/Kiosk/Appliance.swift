package import Announcement
internal import CLinux
internal import Clock
internal import Files
internal import Glibc
internal import HTTPClient
package import Logging
internal import Login
internal import Panel
internal import Registrations
internal import Registry
package import Service
package import Settings
internal import SmartCard

/// The appliance as a process: what `kazashi run` does.
package struct Appliance: Sendable {
    private let file: String
    private let output: TapOutput
    private let log: Logger
    private let service = ServiceManager()
    private let events = ProcessEvents()
    private let setup: SetupOutcome?
    private let slot: RunningSlot?

    /// - Parameters:
    ///   - file: kazashi.toml.
    ///   - setup: what the image found when it started.
    ///   - slot: which of the image's systems this is.
    package init(
        file: String, output: TapOutput, log: Logger, setup: SetupOutcome? = SetupOutcome(),
        slot: RunningSlot? = RunningSlot()
    ) {
        (self.file, self.output, self.log, self.setup, self.slot) = (file, output, log, setup, slot)
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP reads lists and keys again. Under a service manager it is ready at once, and stays
    /// up while the configuration can't be used: it is read again when it changes, and at SIGHUP. At SIGHUP a changed one that
    /// can be used ends the process, for the service manager to start it anew.
    /// - Throws: `RegistryError` when the registrations can't be opened, for so long that only another start may help;
    ///   `ConfigurationError` where there is no service manager that it could stay up for.
    package func run() async throws {
        // No core file holds what a presence held, and no other process of this user reads it.
        if kz_forbid_core_dumps() != 0 { log.note(KioskNote.coreDumpsAllowed) }
        // Its watchdog counts from here on: what hangs on the way to the first card is ended, too.
        service.ready()
        service.status("starting")
        // Whoever switched it on, or plugged a stick in, stands there still.
        guard await shows(setup?.wasReset == true ? .wasReset : nil), await shows(slot?.message),
            let configuration = try await usableConfiguration(),
            // Then it serves with the settings that were good.
            await shows(setup?.message)
        else { return service.stopping() }
        let clock = KioskClock(configuration)
        guard let database = try await openDatabase(configuration, clock) else { return service.stopping() }
        try await serve(configuration, database, clock)
        log.info("stopped")
    }

    /// - Returns: false when it was told to end meanwhile.
    private func shows(_ message: Message?) async -> Bool {
        guard let message else { return true }
        let end = await standby(.configuration, message).wait(.seconds(20)) { () -> Void? in nil }
        if case .told = end { return false }
        return true
    }

    /// Nil when it was told to end before.
    private func usableConfiguration() async throws(ConfigurationError) -> Configuration? {
        var problem: ConfigurationError
        do {
            return try Configuration(file: file)
        } catch {
            guard service.isPresent else { throw error }
            problem = error
        }
        log.note(problem)
        // Its panel may be what is mended: each time something else is wrong, it is shown anew.
        while true {
            let end = await standby(.configuration, setup?.message).wait(nil) {
                () -> Result<Configuration, ConfigurationError>? in
                do throws(ConfigurationError) {
                    return .success(try Configuration(file: file))
                } catch {
                    return error == problem ? nil : .failure(error)
                }
            }
            switch end {
            case .mended(.success(let configuration)): return configuration
            case .mended(.failure(let error)):
                problem = error
                log.note(problem)
            case .told, .lasted: return nil
            }
        }
    }

    /// Nil when it was told to end before.
    private func openDatabase(_ configuration: Configuration, _ clock: KioskClock)
        async throws(RegistryError) -> KioskDatabase?
    {
        do {
            _ = try? Ownership.become(ownerOf: configuration.state)
            return try KioskDatabase(configuration, clock: clock)
        } catch {
            log.note(error, "the registration database cannot be opened")
            let cause: Cause = StateFolder.isWritable(configuration.state) ? .registry : .storage
            // A service has a view of its own of the disk, made when it starts: after a while it is time for a new one.
            switch await standby(cause).wait(
                service.isPresent ? .seconds(30) : .seconds(3), { try? KioskDatabase(configuration, clock: clock) })
            {
            case .mended(let database): return database
            case .told: return nil
            case .lasted: throw error
            }
        }
    }

    private func standby(_ cause: Cause, _ message: Message? = nil) -> Standby {
        Standby(
            cause: cause, message: message, parts: ReadableParts(file: file, setup: setup), slot: slot,
            service: service, events: events, output: output, file: file)
    }

    private func serve(_ configuration: Configuration, _ database: KioskDatabase, _ clock: KioskClock) async throws {
        let ledger = KioskLedger()
        let runtime = try KioskRuntime(
            configuration: configuration, database: database, clock: clock,
            announcer: Self.announcer(for: configuration, clock: clock, ledger: ledger),
            source: PCSCCardSource(nameFilter: configuration.readerName),
            panel: FrontPanel(configuration.panel.on(slot)) { [log] part, condition in log.note(part, condition) },
            output: output, log: log, ledger: ledger, service: service)
        let status = statusSocket(of: runtime, configuration)
        defer { status?.stop() }
        var lasts = false
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await runtime.run() }
            if let watchdog = service.watchdog {
                group.addTask { [service] in
                    repeat {
                        if await runtime.pulse() { service.alive() }
                    } while (try? await Task.sleep(for: watchdog)) != nil
                }
            }
            // Lists may be long in coming: whoever ends the service does not wait for them.
            let (reloads, reload) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            group.addTask {
                for await _ in reloads { await runtime.reload() }
            }
            if service.isPresent {
                group.addTask { [events] in
                    while (try? await Task.sleep(for: .seconds(5))) != nil {
                        if await runtime.wantsAnotherStart { return events.post(.anew) }
                    }
                }
            }
            loop: for await event in events.stream {
                switch event {
                case .end: break loop
                case .reload:
                    if isReplaced(configuration) { break loop }
                    reload.yield()
                case .anew:
                    lasts = true
                    break loop
                case .changed, .tick: break
                }
            }
            service.stopping()
            group.cancelAll()
        }
        await database.close()
        if lasts { throw RegistryError(.unavailable) }
    }

    /// Whether the file says something else now, and can be used: then this process ends, and the service manager starts
    /// one with it. One that can't be used changes nothing.
    private func isReplaced(_ configuration: Configuration) -> Bool {
        guard service.isPresent, Configuration.fingerprint(file: file) != configuration.fingerprint else {
            return false
        }
        do throws(ConfigurationError) {
            _ = try Configuration(file: file)
            log.notice("the configuration has changed: starting anew")
            return true
        } catch {
            log.note(error)
            return false
        }
    }

    private func statusSocket(of runtime: KioskRuntime, _ configuration: Configuration) -> StatusSocket? {
        do throws(SystemProblem) {
            return try StatusSocket(configuration.statusSocket) { await runtime.status().json }
        } catch {
            log.note(KioskNote.statusUnavailable, ["socket": "\(configuration.statusSocket)", "error": "\(error)"])
            return nil
        }
    }

    package static func announcer(
        for configuration: Configuration, clock: KioskClock, ledger: KioskLedger = KioskLedger()
    ) -> Announcer {
        Announcer(
            kiosk: configuration.kioskID, platform: configuration.platform, signingKey: configuration.signingKey,
            libraries: configuration.libraries, http: CurlClient(), now: { clock.now()?.secondsSince1970 },
            acknowledged: { ledger.acknowledged($0, after: $1) })
    }
}
