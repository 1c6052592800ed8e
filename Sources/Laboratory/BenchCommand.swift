internal import ArgumentParser
internal import Clock
internal import Desk
internal import Files
internal import Foundation
internal import Pilot
internal import SecurityEvents
internal import Synchronization
internal import TestRig
internal import VirtualCard

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure; run it from a release build.",
        subcommands: [TapBench.self, RevocationBench.self, PushBench.self, PanelBench.self])
}

/// The time of a tap, the card's own part of it, and what the host adds.
struct TapBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Tap on the real stack: the whole time, the card's own, the desk's, and the host's.")

    @Option(help: "Taps under the timing model.")
    var taps = 60
    @Option(help: "Taps without delays.")
    var quick = 200
    @Option(help: "Bit rate of the timing model, kbit/s.")
    var bitRate = 424.0
    @Option(help: "Milliseconds of one signature in the timing model.")
    var signature = 250.0
    @Option(help: "Seconds in which wake-ups are counted while nobody taps.")
    var idle = 30
    @Flag(help: "Short reads of 256 bytes, as a reader without extended lengths.")
    var shortReads = false

    func run() async throws {
        guard Programs.isInPrivateNamespace else {
            throw ValidationError("Run it as: board/private \(Programs.laboratory) bench tap")
        }
        #if DEBUG
            note("This is a debug build: its figures mean nothing.")
        #endif
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-bench-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = PilotFolder.Options()
        let display = try SerialDisplay()
        defer { display.stop() }
        options.display = "cd5220:" + display.path
        let pilot = try PilotCards.make(in: path, options: options)
        let cards = pilot
        let stack = try await PilotStack(folder: cards.folder, records: cards.records, options: options)
        let deskTimes = DeskTimes(stack.desk)
        var faults = CardFaults()
        faults.shortOnly = shortReads
        let slow = try CardInField(
            cards.good.profile, faults: faults, timing: CardTiming(bitRate: bitRate, signature: signature))
        let fast = try CardInField(cards.good.profile, faults: faults)
        // The first taps learn the record's issuer and the card's lengths.
        for _ in 0..<2 { _ = try await stack.tap(fast) }
        emit("certificate \(cards.good.certificate.count) bytes; \(shortReads ? "short" : "extended") reads")
        emit("idle: \(try ProcessFigures(pid: stack.kiosk.pid))")
        try await wakeUps(of: stack.kiosk.pid)
        try await series(
            "timing model, \(Int(bitRate)) kbit/s, \(Int(signature)) ms a signature", taps, slow, stack, deskTimes)
        try await series("without delays", quick, fast, stack, deskTimes)
        emit("after \(taps + quick + 2) taps: \(try ProcessFigures(pid: stack.kiosk.pid))")
        await stack.stop()
        try await starts(cards.folder)
    }

    private func wakeUps(of pid: Int32) async throws {
        guard idle > 0 else { return }
        note("nobody taps for \(idle) s …")
        let (before, start) = (try ProcessFigures.wakeUps(pid: pid), ContinuousClock.now)
        try await Task.sleep(for: .seconds(idle))
        let perSecond =
            Double(try ProcessFigures.wakeUps(pid: pid) - before) / (start.duration(to: .now).milliseconds / 1_000)
        emit(String(format: "idle for %d s: %.1f wake-ups a second", idle, perSecond))
    }

    private func series(
        _ name: String, _ count: Int, _ card: CardInField, _ stack: PilotStack, _ deskTimes: DeskTimes
    ) async throws {
        guard count > 0 else { return }
        note("\(name): \(count) taps …")
        _ = deskTimes.take()
        var taps: [KioskProcess.Tap] = []
        for number in 1...count {
            guard let tap = try await stack.tap(card), tap.code == "ok" else {
                throw ChildProcess.Failed(description: "a tap was not welcomed:\n\(stack.kiosk.standardError)")
            }
            taps.append(tap)
            if number % 20 == 0 { note("  \(number)") }
        }
        let desk = deskTimes.take()
        guard desk.count == taps.count else {
            throw ChildProcess.Failed(description: "\(taps.count) taps, but \(desk.count) tokens")
        }
        emit("\(name): \(count) taps, \(Set(taps.map(\.apdus)).sorted().map(String.init).joined(separator: "/")) APDUs")
        Timings(taps.map(\.ms)).emit("whole tap")
        Timings(taps.map(\.card_ms)).emit("the card's own")
        Timings(desk).emit("the desk's own")
        Timings(zip(taps, desk).map { $0.ms - $0.card_ms - $1 }).emit("the host adds")
    }

    /// From the start of the process to ready.
    private func starts(_ folder: PilotFolder) async throws {
        let daemon = try await PCSCDaemon()
        var times: [Double] = []
        for _ in 0..<20 {
            let start = ContinuousClock.now
            let kiosk = try KioskProcess(configuration: folder.configuration)
            guard await kiosk.state() else { throw ChildProcess.Failed(description: kiosk.standardError) }
            times.append(start.duration(to: .now).milliseconds)
            await kiosk.stop()
        }
        await daemon.stop()
        emit("start to ready: 20 starts")
        Timings(times).emit("ready")
    }
}

/// What the desk's own checks took, token by token.
private final class DeskTimes: Sendable {
    private let times = Mutex<[Double]>([])

    init(_ desk: PushServer) {
        Task { [self] in
            for await receipt in desk.receipts {
                // The end of a presence comes beside it, and is none of the tap's.
                guard case .success(let accepted) = receipt.result, case .person(.presented, _) = accepted.event else {
                    continue
                }
                times.withLock { $0.append(receipt.milliseconds) }
            }
        }
    }

    func take() -> [Double] {
        times.withLock { times in
            defer { times = [] }
            return times
        }
    }
}
