internal import ArgumentParser
internal import Foundation
internal import TestPKI
package import VirtualCard

/// A whole pilot folder: keys, a test hierarchy, cards, a list, a configuration.
struct PKICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract: "Make a test PKI with cards, a revocation list and a configuration; or large lists.",
        subcommands: [Init.self, RevocationListCommand.self])

    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write a folder to pilot with: test keys, anchors, cards good, copied, revoked and unregistered, a phone."
        )

        @Option(help: "The port on which the library's desk will listen.")
        var port: UInt16 = 8_935
        @Argument(help: "The folder; made when it is not there.")
        var folder: String

        func run() async throws {
            let cards = try PilotCards.make(in: folder, options: { $0.port = port })
            note(
                """
                \(folder): written. Next:
                  kazashi registration import --config \(folder)/kazashi.toml \(folder)/registrations.json
                  kazashi-lab library --folder \(folder) --port \(port)
                  kazashi run --config \(folder)/kazashi.toml
                  kazashi-lab tap --profile \(folder)/cards/good.json
                """)
            _ = cards
        }
    }
}

/// The four cards of the demonstration.
package struct PilotCards: Sendable {
    package let folder: PilotFolder
    package let good: IssuedCard
    /// The good card's certificate on another genuine card.
    package let copied: IssuedCard
    package let revoked: IssuedCard
    package let unregistered: IssuedCard
    /// A phone with the same application and another label: refused at the counter.
    package let phone: IssuedCard

    package static let ppids = ["good": "PPID-0123456789abcdef-good", "revoked": "PPID-0123456789abcdef-revoked"]

    package static func make(in path: String, options change: (inout PilotFolder.Options) -> Void = { _ in }) throws
        -> PilotCards
    {
        var options = PilotFolder.Options()
        let revokedSerial: [UInt8] = [0x06, 0xD1, 0x80, 0x99]
        options.revoked = [revokedSerial]
        change(&options)
        let folder = try PilotFolder(path, options: options)
        let other = Holder(
            name: "試験　花子", address: "東京都清瀬市試験町４－５－６", birthDate: "19910303", birthKey: "030303", sex: "2",
            number: "123456789018", checkB: "03030320310001")
        func issue(
            _ serial: [UInt8], _ holder: Holder = .kurokiri, certificate: [UInt8]? = nil,
            medium: String = "JPKIAPICCTOKEN2"
        ) throws -> IssuedCard {
            try IssuedCard(
                holder: holder, serial: serial, issuers: folder.issuers, now: folder.now, medium: medium,
                certificate: certificate)
        }
        let good = try issue([0x06, 0xD1, 0x80, 0x07])
        let cards = PilotCards(
            folder: folder, good: good,
            // The same holder's birth date: only the card's own key tells the two apart.
            copied: try issue([0x06, 0xD1, 0x80, 0x08], certificate: good.certificate),
            revoked: try issue(revokedSerial, other), unregistered: try issue([0x06, 0xD1, 0x80, 0x10], other),
            phone: try issue([0x06, 0xD1, 0x80, 0x11], other, medium: "JPKIAPGPSETOKEN"))
        for (name, card) in [
            ("good", cards.good), ("copied", cards.copied), ("revoked", cards.revoked),
            ("unregistered", cards.unregistered), ("phone", cards.phone),
        ] { try folder.write("cards/\(name).json", try card.profile.json(), mode: 0o600) }
        try folder.writeJSON("registrations.json", cards.records)
        return cards
    }

    package var records: [[String: Any]] {
        [
            folder.record(of: good, ppid: Self.ppids["good"] ?? "", withCardKey: true, serviceID: "20260000000017"),
            folder.record(of: revoked, ppid: Self.ppids["revoked"] ?? "", withCardKey: true),
        ]
    }
}
