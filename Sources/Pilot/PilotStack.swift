package import Desk
package import TestRig
package import VirtualCard

/// The whole stack of a pilot in this namespace: pcscd with the virtual reader, a desk in this process, `kazashi run` as
/// its own.
package final class PilotStack: Sendable {
    package let folder: PilotFolder
    package let desk: PushServer
    private let datagrams: DatagramServer
    package let daemon: PCSCDaemon
    package let kiosk: KioskProcess
    package let reader = VPCDReader()

    /// Starts everything around a folder, and registers `records`; ready when it returns.
    package init(
        folder: PilotFolder, records: [[String: Any]], options: PilotFolder.Options = .init(),
        program: String = Programs.kazashi, environment: [String] = []
    ) async throws {
        self.folder = folder
        desk = try PushServer(desk: folder.desk(suite: options.suite))
        datagrams = try DatagramServer(desk: desk.desk, address: options.channel == .udp6 ? "::1" : "127.0.0.1")
        var options = options
        let port = try await desk.start()
        options.port = options.channel == .http ? port : datagrams.port
        try folder.writeConfiguration(options)
        if !records.isEmpty { try await folder.register(records) }
        daemon = try await PCSCDaemon()
        kiosk = try KioskProcess(
            configuration: folder.configuration, program: program, environment: environment)
        guard await kiosk.state() else {
            throw ChildProcess.Failed(description: "the kiosk did not become ready:\n\(kiosk.standardError)")
        }
    }

    /// Lays the card down, waits for the outcome, takes it away, and waits until pcscd has seen that.
    package func tap(_ card: CardInField, within seconds: Double = 12) async throws -> KioskProcess.Tap? {
        try reader.insert(card)
        let tap = await kiosk.tap(within: seconds)
        reader.remove()
        await settle()
        return tap
    }

    /// vpcd is polled every 400 ms, and tells nobody when: shorter absences are never seen. Twice that, for a busy machine.
    package func settle() async { try? await Task.sleep(for: .milliseconds(850)) }

    package func stop() async {
        await kiosk.stop()
        await desk.stop()
        datagrams.stop()
        await daemon.stop()
    }
}

extension PilotFolder {
    /// Imports records with the appliance's own command.
    package func register(_ records: [[String: Any]]) async throws {
        let file = try writeJSON("registrations.json", records)
        let result = try await ChildProcess.run(
            Programs.kazashi, ["registration", "import", "--config", configuration, file])
        guard result.code == 0 else { throw ChildProcess.Failed(description: "import failed: \(result.error)") }
    }
}
