package import Announcement
internal import CLinux
internal import Dispatch
internal import Glibc
internal import HTTPClient
internal import Login
package import Logging
internal import Panel
internal import Registry
internal import SmartCard

/// The appliance as a process: what `kazashi run` does.
package struct Appliance: Sendable {
    private let configuration: Configuration
    private let output: TapOutput
    private let log: Logger

    package init(configuration: Configuration, output: TapOutput, log: Logger) {
        (self.configuration, self.output, self.log) = (configuration, output, log)
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP reads lists and keys again.
    /// - Throws: `RegistryError` when the registrations can't be opened.
    package func run() async throws {
        // No core file holds what a presence held, and no other process of this user reads it.
        if kz_forbid_core_dumps() != 0 { log.note(.coreDumpsAllowed) }
        let service = ServiceManager()
        let database: KioskDatabase
        do {
            database = try KioskDatabase(configuration)
        } catch {
            await tellThatItCanNotStart(service)
            throw error
        }
        let ledger = KioskLedger()
        let runtime = try KioskRuntime(
            configuration: configuration, database: database,
            announcer: Self.announcer(for: configuration, ledger: ledger),
            source: PCSCCardSource(nameFilter: configuration.readerName),
            panel: FrontPanel(configuration.panel) { [log] part, condition in log.note(part, condition) },
            output: output, log: log, ledger: ledger, service: service)
        let status = statusSocket(of: runtime)
        defer { status?.stop() }
        let signals = Signals([SIGTERM, SIGINT, SIGHUP])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await runtime.run() }
            if let watchdog = service.watchdog {
                group.addTask {
                    repeat {
                        await runtime.pulse()
                        service.alive()
                    } while (try? await Task.sleep(for: watchdog)) != nil
                }
            }
            for await signal in signals.stream {
                guard signal == SIGHUP else { break }
                await runtime.reload()
            }
            service.stopping()
            group.cancelAll()
        }
        log.info("stopped")
    }

    /// Says on the panel why nothing goes, for a while: whoever stands there has to read it, and the service manager tries
    /// again after it.
    private func tellThatItCanNotStart(_ service: ServiceManager) async {
        let cause: Cause = StateFolder.isWritable(configuration.state) ? .registry : .storage
        output.state(cause)
        service.status("out of service: \(cause.rawValue) (\(cause.code.rawValue))")
        // What it says stays: the next start says it again.
        let panel = FrontPanel(configuration.panel, saysGoodbye: false)
        panel.show(.outOfService(cause.code))
        let showing = Task { await panel.run() }
        try? await Task.sleep(for: .seconds(3))
        showing.cancel()
    }

    private func statusSocket(of runtime: KioskRuntime) -> StatusSocket? {
        do throws(SystemProblem) {
            return try StatusSocket(configuration.statusSocket) { await runtime.status().json }
        } catch {
            log.note(.statusUnavailable, ["socket": "\(configuration.statusSocket)", "error": "\(error)"])
            return nil
        }
    }

    package static func announcer(for configuration: Configuration, ledger: KioskLedger = KioskLedger()) -> Announcer {
        Announcer(
            kiosk: configuration.kioskID, platform: configuration.platform, signingKey: configuration.signingKey,
            libraries: configuration.libraries, http: CurlClient(),
            acknowledged: { library, duration in
                ledger.acknowledged(library, after: duration, at: Int64(time(nil)))
            })
    }
}

/// Signals as a stream.
private final class Signals {
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init(_ numbers: [Int32]) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }
}
