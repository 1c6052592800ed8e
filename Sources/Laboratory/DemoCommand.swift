internal import ArgumentParser
internal import Desk
internal import Files
internal import Foundation
internal import Logging
internal import Login
internal import Panel
internal import Pilot
internal import SecurityEvents
internal import Synchronization
internal import TestRig
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
            taps = StackTaps(stack: try await PilotStack(folder: cards.folder, records: cards.records))
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

    func gather(_ desk: PushServer) {
        Task { [self] in
            for await receipt in desk.receipts {
                // What the registrations owed is no tap's.
                if case .success(let event) = receipt.result, case .person(.registered, _) = event.event { continue }
                lines.withLock { $0.append(LibraryCommand.line(receipt)) }
            }
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
    private let pilot: InProcessPilot
    private let received = ReceivedLines()

    init(_ cards: PilotCards) async throws {
        pilot = try await InProcessPilot(folder: cards.folder, records: cards.records)
        received.gather(pilot.desk)
    }

    func tap(_ card: CardInField) async throws -> DemoResult {
        let before = pilot.shown.count
        let tap = await pilot.tap(card)
        // The outcome stands for two seconds, then the display invites again.
        try await Task.sleep(for: .milliseconds(2_200))
        return DemoResult(
            code: tap.code, apdus: tap.apdus, milliseconds: tap.ms, shown: Array(pilot.shown.dropFirst(before)),
            received: received.take())
    }

    func stop() async { await pilot.stop() }
}
