import Desk
import JOSE
import Pilot
import SecurityEvents
import TestRig
import VirtualCard

/// The library that the technician's file names, once the kiosk's key is known from the report.
struct ApplianceLibrary {
    private let server: PushServer

    init(of cards: PilotCards, port: UInt16, kiosk: PublicJWK) async throws {
        server = try PushServer(desk: cards.folder.desk(signer: kiosk), port: port, acknowledges: true)
        _ = try await server.start()
    }

    /// The report's own line of the kiosk's key.
    static func key(in report: String) -> Substring? {
        report.split(separator: "\r\n").first { $0.hasPrefix("{\"keys\":") }
    }

    /// Lays a card down and takes it away, with what the display says meanwhile.
    /// - Returns: who came, as the library was told.
    func told(of card: IssuedCard, laidOn machine: ApplianceMachine) async throws -> String? {
        try machine.reader.insert(CardInField(card.profile, isT0: true))
        guard await machine.display.shows("Card accepted") != nil else { return nil }
        machine.reader.remove()
        guard await machine.display.shows("Hold here") != nil else { return nil }
        for await receipt in server.receipts {
            guard case .success(let event) = receipt.result, case .person(.presented, let subject)? = event.event
            else { continue }
            return subject.subject
        }
        return nil
    }

    func stop() async { await server.stop() }
}
