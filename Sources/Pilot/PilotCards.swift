internal import Clock
internal import Foundation
internal import TestPKI
package import VirtualCard

/// The cards of the demonstration, issued once a process: their RSA keys take seconds to make.
private struct IssuedCards: Sendable {
    let issuers: TestIssuers
    let good: IssuedCard
    let copied: IssuedCard
    let revoked: IssuedCard
    let unregistered: IssuedCard
    let phone: IssuedCard

    static let made = Result { try IssuedCards(now: systemTime()) }

    private init(now: Int64) throws {
        let issuers = try TestIssuers(now: now)
        let other = Holder(
            name: "試験　花子", address: "東京都清瀬市試験町４－５－６", birthDate: "19910303", birthKey: "030303", sex: "2",
            number: "123456789018", checkB: "03030320310001")
        func issue(
            _ serial: [UInt8], _ holder: Holder = .kurokiri, certificate: [UInt8]? = nil,
            medium: String = "JPKIAPICCTOKEN2"
        ) throws -> IssuedCard {
            try IssuedCard(
                holder: holder, serial: serial, issuers: issuers, now: now, medium: medium, certificate: certificate)
        }
        self.issuers = issuers
        good = try issue([0x06, 0xD1, 0x80, 0x07])
        // The same holder's birth date: only the card's own key tells the two apart.
        copied = try issue([0x06, 0xD1, 0x80, 0x08], certificate: good.certificate)
        revoked = try issue([0x06, 0xD1, 0x80, 0x99], other)
        unregistered = try issue([0x06, 0xD1, 0x80, 0x10], other)
        phone = try issue([0x06, 0xD1, 0x80, 0x11], other, medium: "JPKIAPGPSETOKEN")
    }
}

/// The demonstration's cards in a folder with everything that a kiosk and a library need.
package struct PilotCards: Sendable {
    package let folder: PilotFolder
    private let cards: IssuedCards

    package var good: IssuedCard { cards.good }
    /// The good card's certificate on another genuine card.
    package var copied: IssuedCard { cards.copied }
    package var revoked: IssuedCard { cards.revoked }
    package var unregistered: IssuedCard { cards.unregistered }
    /// A phone with the same application and another label: refused at the counter.
    package var phone: IssuedCard { cards.phone }

    package static let ppids = ["good": "PPID-0123456789abcdef-good", "revoked": "PPID-0123456789abcdef-revoked"]

    /// What must stand in no log, status or metric of a kiosk that met these cards.
    package static let identities = ["PPID", "550217", "1980-02-17", "06d18007", "黒桐", "20260000000017"]

    /// Keys of folder, kiosk and library are new; issuers and cards are this process's.
    package static func make(in path: String, options: PilotFolder.Options = .init()) throws
        -> PilotCards
    {
        let issued = try IssuedCards.made.get()
        var options = options
        options.revoked += [issued.revoked.serial]
        let cards = PilotCards(folder: try PilotFolder(path, issuers: issued.issuers, options: options), cards: issued)
        for (name, card) in [
            ("good", cards.good), ("copied", cards.copied), ("revoked", cards.revoked),
            ("unregistered", cards.unregistered), ("phone", cards.phone),
        ] { try cards.folder.write("cards/\(name).json", try card.profile.json(), mode: 0o600) }
        try cards.folder.writeJSON("registrations.json", cards.records)
        return cards
    }

    package var records: [[String: Any]] {
        [
            folder.record(of: good, ppid: Self.ppids["good"] ?? "", withCardKey: true, serviceID: "20260000000017"),
            folder.record(of: revoked, ppid: Self.ppids["revoked"] ?? "", withCardKey: true),
        ]
    }
}
