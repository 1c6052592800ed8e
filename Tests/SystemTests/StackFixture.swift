import Cryptography
import Desk
import Foundation
import Pilot
import TestPKI
import TestRig
import Testing
import VirtualCard

/// A pilot folder in the making: cards, and what is registered of them.
struct StackPilot {
    let folder: PilotFolder
    var records: [[String: Any]] = []
    /// What no log may hold.
    var identities: [String] = ["黒桐", "550217", "1980-02-17", "19800217", "537686677188"]

    init(_ options: PilotFolder.Options = .init()) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-test-\(UUID().uuidString)").path()
        folder = try PilotFolder(path, options: options)
    }

    /// Makes a card; `ppid` registers it.
    mutating func card(
        serial: UInt8, ppid: String? = nil, withCardKey: Bool = true, holder: Holder = .kurokiri,
        medium: String = "JPKIAPICCTOKEN2", copyOf: [UInt8]? = nil,
        user: ((inout TestAuthority.UserCertificate) -> Void)? = nil
    ) throws -> IssuedCard {
        let card = try IssuedCard(
            holder: holder, serial: [0x06, 0xD1, 0x80, serial], issuers: folder.issuers, now: folder.now,
            medium: medium,
            certificate: copyOf, user: user)
        identities.append(card.serial.hexText)
        if let ppid {
            records.append(
                folder.record(of: card, ppid: ppid, withCardKey: withCardKey, serviceID: "2026000000\(serial)"))
            identities += [ppid, "2026000000\(serial)"]
        }
        return card
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder.path) }
}

/// Runs `body` on a stack and holds every log of it against the identities that were used.
func withStack(
    _ pilot: StackPilot, options: PilotFolder.Options = .init(), environment: [String] = [],
    _ body: (PilotStack) async throws -> Void
) async throws {
    defer { pilot.remove() }
    let stack = try await PilotStack(
        folder: pilot.folder, records: pilot.records, options: options, environment: environment)
    do {
        try await body(stack)
    } catch {
        await stack.stop()
        throw error
    }
    await stack.stop()
    let logs = stack.kiosk.standardError + stack.kiosk.standardOutput
    for identity in pilot.identities {
        #expect(!logs.lowercased().contains(identity.lowercased()), "an identity stands in the kiosk's logs")
    }
}

extension PilotStack {
    /// Taps and expects a code; the whole tap, for more to look at.
    @discardableResult
    func expect(
        _ code: String, from card: CardInField, _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> KioskProcess.Tap? {
        let tap = try await tap(card)
        #expect(tap?.code == code, comment, sourceLocation: sourceLocation)
        return tap
    }

    @discardableResult
    func expect(
        _ code: String, from card: IssuedCard, with faults: CardFaults = CardFaults(), isT0: Bool = false,
        _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> KioskProcess.Tap? {
        try await expect(
            code, from: CardInField(card.profile, faults: faults, isT0: isT0), comment, sourceLocation: sourceLocation)
    }
}

func faults(_ texts: String...) -> CardFaults {
    var faults = CardFaults()
    for text in texts where !faults.set(text) { Issue.record("no fault \(text)") }
    return faults
}
