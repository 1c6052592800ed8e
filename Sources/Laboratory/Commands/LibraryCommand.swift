internal import Announcement
internal import ArgumentParser
internal import Cryptography
internal import Foundation
internal import JOSE
internal import Kiosk
internal import LibraryDesk
internal import TLV

struct LibraryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "library",
        abstract: "A library's desk: checks tokens in the profile's order, acknowledges, prints what it got.")

    @Option(help: "A pilot folder, as `pki init` writes it.")
    var folder: String
    @Option(help: "The port to listen on, on this machine only.")
    var port: UInt16 = 8_935

    func run() async throws {
        guard let pem = readFile(folder + "/library-es256.pem"), let jwk = readFile(folder + "/kiosk.jwk") else {
            throw ValidationError("\(folder) is no pilot folder; make one with kazashi-lab pki init.")
        }
        let key = SigningKey(try P256PrivateKey(pem: pem))
        let kiosks = try PublicJWK.parse(jwk).map { KnownKiosk(id: PilotFolder.kioskID, key: $0) }
        let desk = try DeskServer(
            verifier: TokenVerifier(audience: PilotFolder.audience, keys: [key], kiosks: kiosks), port: port)
        note("listening on 127.0.0.1:\(try await desk.start())")
        for await receipt in desk.receipts { emit(LibraryCommand.line(receipt)) }
    }

    /// What a desk is for: it may show the pseudonym, for it is the one who must know it.
    static func line(_ receipt: DeskServer.Receipt) -> String {
        switch receipt.result {
        case .success(let event):
            var line = "\(event.claims.event.uri) sub=\(event.claims.subject.subject) kiosk=\(event.claims.iss)"
            if case .presented(let serviceID?) = event.claims.event { line += " service_id=\(serviceID)" }
            line += " toe=\(CivilTime(secondsSince1970: event.claims.toe).rfc3339)"
            return event.isDuplicate ? line + " (duplicate)" : line
        case .failure(let error): return "refused: \(error.rawValue)"
        }
    }
}
