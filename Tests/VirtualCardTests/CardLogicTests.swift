import Cryptography
import MyNumberCard
import TestPKI
import Testing
import VirtualCard

/// The card against section 14 of what is publicly known of real ones, status word by status word.
@Suite struct CardLogicTests {
    private let card: CardInField
    private let issued: IssuedCard
    private static let shared = Result { try IssuedCard(issuers: TestIssuers(now: 1_767_225_600), now: 1_767_225_600) }

    init() throws {
        issued = try Self.shared.get()
        card = try CardInField(issued.profile)
    }

    @discardableResult
    private func send(_ hex: String) throws -> (data: [UInt8], status: String) {
        let command = try #require([UInt8](hexText: hex.replacing(" ", with: "")))
        guard case .bytes(let answer, _) = card.transmit(command) else { throw CancellationError() }
        return (Array(answer.dropLast(2)), Array(answer.suffix(2)).hexText)
    }

    private func selectVisual() throws { try send("00A4040C0A D3921000310001010402") }
    private func selectJPKI() throws { try send("00A4040C0A D392F000260100000001") }

    @Test(
        "All five applications answer to their names, with and without an answer wanted, and to prefixes",
        arguments: [
            "D392F000260100000001", "D3921000310001010402", "D3921000310001010408", "D3921000310001010401",
            "D3921000310001010100",
        ])
    func applications(name: String) throws {
        #expect(try send("00A4040C0A\(name)").status == "9000")
        let answer = try send("00A404000A\(name)00")
        #expect(answer.status == "9000" && answer.data.hexText.contains(name.lowercased()))
        #expect(try send("00A4040C05\(name.prefix(10))").status == "9000")
    }

    @Test(
        "Status words of what is not there",
        arguments: [
            ("00A4040C0AD3921000310001019999", "6a82"), ("00A40000023F00", "6a82"), ("00A40000", "6a86"),
            ("01A40000", "6881"), ("C0A40000", "6e00"), ("00F80000", "6d00"), ("00B0000004", "6986"),
            ("80FC0000", "6700"), ("80A20000", "6a86"),
        ])
    func absent(command: String, status: String) throws { #expect(try send(command).status == status) }

    @Test("Reading: the rest with 9000, past the end 6B00, no Le 6700, short identifiers, extended Le")
    func reading() throws {
        try selectJPKI()
        #expect(try send("00B0").status == "6700")
        #expect(try send("00B08A00").status == "6700")
        #expect(try send("00B08A0000").data == Array(issued.certificate.prefix(256)))
        #expect(try send("00B08A00000000").data == issued.certificate)
        #expect(try send("00A4020C02000A").status == "9000")
        let last = issued.certificate.count - 3
        #expect(try send("00B0" + [UInt8(last >> 8), UInt8(last & 0xFF), 0].hexText).data.count == 3)
        let past = issued.certificate.count
        #expect(try send("00B0" + [UInt8(past >> 8), UInt8(past & 0xFF), 0].hexText).status == "6b00")
        #expect(try send("00A4020C020077").status == "6a82")
        #expect(try send("00B0810000").status == "6982", "the signing certificate needs its password")
        #expect(try send("00B0980000").status == "6981", "a key is no file to read")
        #expect(try send("00B08800 00").data == [0x8F, 0x8F, 0x00])
    }

    @Test("Counters: down with each wrong value, 63C0 at the last, 6984 after, back to full with a right one")
    func counters() throws {
        try selectJPKI()
        #expect(try send("00200098").status == "63c3")
        #expect(try send("0020009804 30303030").status == "63c2")
        #expect(try send("0020009804 31323334").status == "9000")
        #expect(try send("00200098").status == "9000")
        try send("0020009804 30303030")
        try send("0020009804 30303030")
        #expect(try send("0020009804 30303030").status == "63c0")
        #expect(try send("0020009804 31323334").status == "6984")
        #expect(try send("00200098").status == "63c0")
        card.powerDown()
        try selectJPKI()
        #expect(try send("0020009804 31323334").status == "6984", "power does not give tries back")
    }

    @Test("What was verified outlives a reset and the same SELECT, not another application, nor power-down")
    func verifiedState() throws {
        try selectVisual()
        #expect(try send("00B0810000").status == "6982")
        #expect(try send("00200091 06 353530323137").status == "9000")
        #expect(try send("00B0810000").status == "9000")
        card.reset()
        try selectVisual()
        #expect(try send("00B0810000").status == "9000")
        try selectJPKI()
        try selectVisual()
        #expect(try send("00B0810000").status == "6982")
        try send("00200091 06 353530323137")
        card.powerDown()
        try selectVisual()
        #expect(try send("00B0810000").status == "6982")
    }

    @Test("The birth date opens the age record and nothing else; 照合番号 open their own")
    func access() throws {
        try selectVisual()
        try send("00200091 06 353530323137")
        #expect(try send("00B0820000").status == "6982")
        try send("00200093 0C 353337363836363737313838")
        #expect(try send("00B0820000").status == "9000")
        #expect(try send("00B0850000").status == "9000")
    }

    @Test("80 2A in all its forms, with the card's own key that needs no PIN")
    func signatures() throws {
        try selectVisual()
        let message = Array("nonce".utf8)
        let info = "3031300d060960864801650304020105000420"
        let digest = sha256(message).hexText
        let verbatim = try send("802A000033\(info)\(digest)00")
        try issued.cardKey.publicKey.verify(verbatim.data, over: message)
        let hashed = try send("802A020020\(digest)00")
        try issued.cardKey.publicKey.verify(hashed.data, over: message)
        let whole = try send("802A030005\(message.hexText)00")
        try issued.cardKey.publicKey.verify(whole.data, over: message)
        for scheme in ["01", "04", "05"] { #expect(try send("802A\(scheme)0020\(digest)00").data.count == 256) }
        #expect(try send("802A060020\(digest)00").status == "6a86")
        #expect(try send("802A02001F\(digest.dropLast(2))00").status == "6985")
        try selectJPKI()
        #expect(try send("802A009733\(info)\(digest)00").status == "6982", "the authentication key needs its PIN")
        try send("0020009804 31323334")
        #expect(try send("802A009733\(info)\(digest)00").data.count == 256)
    }

    @Test("INTERNAL AUTHENTICATE: 6985 on the face's keys, 6982 behind a PIN, 9000 on the common application's")
    func internalAuthenticate() throws {
        try selectVisual()
        #expect(try send("0088009A 04 01020304 00").status == "6985")
        try selectJPKI()
        #expect(try send("00880097 04 01020304 00").status == "6982")
        try send("00A4040C0A D3921000310001010100")
        #expect(try send("00880099 04 01020304 00").status == "9000")
    }

    @Test("Records of the common application")
    func records() throws {
        try send("00A4040C0A D3921000310001010100")
        #expect(try send("00B2010C00").data.count == 30)
        #expect(try send("00B2020C00").status == "6a83")
    }

    @Test("A profile survives its JSON, with its counters")
    func profile() throws {
        try selectJPKI()
        try send("0020009804 30303030")
        let again = try CardInField(CardProfile.read(card.profile.json()))
        #expect(again.profile.applications[0].secrets[0].left == 2)
    }
}
