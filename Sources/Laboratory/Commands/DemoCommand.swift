internal import Announcement
internal import ArgumentParser
internal import Foundation
internal import JOSE
internal import Kiosk
internal import LibraryDesk
internal import Logging
internal import Login
internal import Panel
internal import Synchronization
internal import VirtualCard

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Tap a good, a copied, a revoked and an unregistered card, and show what happened.")

    func run() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-demo-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        note("Making a test PKI, four cards and a revocation list …")
        let cards = try PilotCards.make(in: path)
        let taps: any DemoTaps
        if Programs.isInPrivateNamespace {
            taps = StackTaps(stack: try await PilotStack(pilot: cards))
            note("pcscd, the virtual reader, the desk and kazashi run, in a private network and mount namespace.\n")
        } else {
            taps = try await InProcessTaps(cards)
            note("No namespaces here: the card, the kiosk and the desk run in one process, without pcscd.\n")
        }
        var isRight = true
        for (title, card, expected) in [
            ("A registered card / 登録済みのカード", cards.good, "ok"),
            ("Its certificate copied to another genuine card / 証明書を写した別のカード", cards.copied, "not_proven"),
            ("A revoked card / 失効したカード", cards.revoked, "revoked"),
            ("An unregistered card / 未登録のカード", cards.unregistered, "unregistered"),
        ] {
            let result = try await taps.tap(try CardInField(card.profile))
            emit("\(title)")
            for line in result.shown { emit("    display   \(line)") }
            emit("    code      \(result.code)   (\(result.apdus) APDUs, \(Int(result.milliseconds)) ms)")
            emit("    desk      \(result.received.isEmpty ? "nothing" : result.received.joined(separator: "; "))\n")
            if result.code != expected { isRight = false }
        }
        await taps.stop()
        guard isRight else {
            note("An outcome is not the expected one.")
            throw ExitCode(1)
        }
    }
}

struct DemoResult: Sendable {
    let code: String
    let apdus: Int
    let milliseconds: Double
    let shown: [String]
    let received: [String]
}

protocol DemoTaps: Sendable {
    func tap(_ card: CardInField) async throws -> DemoResult
    func stop() async
}

/// Taps on the real stack.
private actor StackTaps: DemoTaps {
    private let stack: PilotStack
    private let received = ReceivedLines()
    private var shownBefore = 0

    init(stack: PilotStack) {
        self.stack = stack
        received.gather(stack.desk)
    }

    func tap(_ card: CardInField) async throws -> DemoResult {
        shownBefore = stack.kiosk.shown.count
        let tap = try await stack.tap(card)
        // The outcome stands for two seconds, then the display invites again.
        try await Task.sleep(for: .milliseconds(2_200))
        return DemoResult(
            code: tap?.code ?? "none", apdus: tap?.apdus ?? 0, milliseconds: tap?.ms ?? 0,
            shown: Array(stack.kiosk.shown.dropFirst(shownBefore)), received: received.take())
    }

    func stop() async { await stack.stop() }
}

/// What the desk printed.
private final class ReceivedLines: Sendable {
    private let lines = Mutex<[String]>([])

    func gather(_ desk: DeskServer) {
        Task { [self] in
            for await receipt in desk.receipts { lines.withLock { $0.append(LibraryCommand.line(receipt)) } }
        }
    }

    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}

/// Taps without pcscd, all in this process.
private actor InProcessTaps: DemoTaps {
    private let reader = InProcessReader()
    private let desk: DeskServer
    private let received = ReceivedLines()
    private let shown = ReceivedText()
    private let events: AsyncStream<(outcome: String, exchanges: Int, milliseconds: Double)>
    private let running: Task<Void, Never>

    init(_ cards: PilotCards) async throws {
        desk = try DeskServer(verifier: cards.folder.verifier())
        var options = PilotFolder.Options()
        options.port = try await desk.start()
        try cards.folder.writeConfiguration(options)
        received.gather(desk)
        let configuration = try Configuration(file: cards.folder.configuration)
        let store = try KioskDatabase.registrations(state: configuration.state, storageKey: configuration.storageKey)
        let report = await RegistrationImport(store: store, libraries: ["central"]).run(
            Array(try JSONSerialization.data(withJSONObject: cards.records)), now: cards.folder.now)
        guard report?.stored == cards.records.count else { throw ExitCode(1) }
        let (events, continuation) = AsyncStream<(outcome: String, exchanges: Int, milliseconds: Double)>.makeStream()
        self.events = events
        let (shown, reader) = (shown, reader)
        let runtime = try KioskRuntime(
            configuration: configuration, store: store, announcer: Appliance.announcer(for: configuration),
            source: reader, display: TerminalDisplay { shown.append($0) },
            output: TapOutput { line in
                struct Line: Decodable {
                    let code: String?
                    let apdus: Int?
                    let ms: Double?
                }
                guard let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)), let code = line.code
                else {
                    return
                }
                continuation.yield((code, line.apdus ?? 0, line.ms ?? 0))
            }, log: Logger(label: "kazashi") { _ in SwiftLogNoOpLogHandler() })
        running = Task { await runtime.run() }
    }

    func tap(_ card: CardInField) async throws -> DemoResult {
        _ = shown.take()
        reader.insert(card)
        var outcome: (outcome: String, exchanges: Int, milliseconds: Double)?
        for await event in events {
            outcome = event
            break
        }
        reader.remove()
        try await Task.sleep(for: .milliseconds(2_200))
        return DemoResult(
            code: outcome?.outcome ?? "none", apdus: outcome?.exchanges ?? 0, milliseconds: outcome?.milliseconds ?? 0,
            shown: shown.take(), received: received.take())
    }

    func stop() async {
        running.cancel()
        await running.value
        await desk.stop()
    }
}

private final class ReceivedText: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ text: String) { lines.withLock { $0.append(text.trimmingCharacters(in: .newlines)) } }
    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}
