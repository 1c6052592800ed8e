package import Announcement
internal import CLinux
internal import Dispatch
internal import Glibc
internal import HTTPClient
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
        if kz_forbid_core_dumps() != 0 { log.warning("core dumps could not be forbidden") }
        let database = try KioskDatabase(configuration)
        let runtime = try KioskRuntime(
            configuration: configuration, database: database, announcer: Self.announcer(for: configuration),
            source: PCSCCardSource(nameFilter: configuration.readerName), display: Self.display(for: configuration),
            output: output, log: log)
        let signals = Signals([SIGTERM, SIGINT, SIGHUP])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await runtime.run() }
            for await signal in signals.stream {
                guard signal == SIGHUP else { break }
                await runtime.reload()
            }
            group.cancelAll()
        }
        log.info("stopped")
    }

    package static func announcer(for configuration: Configuration) -> Announcer {
        Announcer(
            kiosk: configuration.kioskID, platform: configuration.platform, signingKey: configuration.signingKey,
            libraries: configuration.libraries, http: CurlClient())
    }

    static func display(for configuration: Configuration) -> any Display {
        switch configuration.display {
        case .terminal: TerminalDisplay()
        case .none: NoDisplay()
        }
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
