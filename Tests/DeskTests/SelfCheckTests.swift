import Desk
import Foundation
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct SIP2Tests {
    private static let card = "20260000000017"

    /// Asks a server that behaves as given.
    private func ask(
        _ behaviour: SIP2Server.Behaviour = .normal, card: String = SIP2Tests.card, login: SIP2Client.Login? = nil,
        serverLogin: SIP2Client.Login? = nil, timeout: Double = 30
    ) async throws -> PatronInformation {
        let server = SIP2Server(patrons: [Self.card: "図書 花子"], login: serverLogin, behaviour: behaviour)
        let client = SIP2Client(
            address: "127.0.0.1", port: try await server.start(), institution: "central", login: login,
            timeout: timeout, now: { 1_795_285_200 })
        do {
            let information = try await client.information(about: card)
            await server.stop()
            return information
        } catch {
            await server.stop()
            throw error
        }
    }

    @Test("The checksum of the SC status message that SIP2's documents show: FCA5")
    func checksum() {
        #expect(SIP2Message.checksum("9900302.00AY1AZ".utf8) == "FCA5")
        #expect(SIP2Message.closed(Array("9900302.00".utf8), sequence: 1) == Array("9900302.00AY1AZFCA5\r".utf8))
    }

    @Test("The message 63 has its fixed fields in their places")
    func message() {
        let text = SIP2Message.patronInformation(institution: "central", cardNumber: Self.card, now: 1_795_285_200)
        #expect(text.hasPrefix("63000"))
        #expect(text.contains(/^63000\d{8}    \d{6} {10}AOcentral\|AA20260000000017\|AC\|AD\|$/))
    }

    @Test("A known card is valid and has its name, an unknown one is neither")
    func known() async throws {
        let information = try await ask()
        #expect(information.isValid == true && !information.isChargingDenied && information.name == "図書 花子")
        let unknown = try await ask(card: "1")
        #expect(unknown.isValid == false && unknown.isChargingDenied && unknown.screenMessage == "Unknown card")
    }

    /// Names with characters whose second byte in Shift_JIS is that of "|" or of a backslash.
    private static let names = ["図書 花子", "ポプラ 十能", "－ソ表", "ﾄｼｮ ﾊﾅｺ"]

    @Test(
        "A system's own ways: CR, LF, both, blank lines, lower-case checksums, padded fields, three encodings",
        arguments: JapaneseEncoding.allCases)
    func dialects(encoding: JapaneseEncoding) async throws {
        for (number, ending) in ["\r", "\n", "\r\n", "\n\r"].enumerated() {
            for before in ["", "\r\n", "\n \n"] {
                var dialect = SIP2Server.Dialect()
                (dialect.encoding, dialect.ending, dialect.before) = (encoding, ending, before)
                (dialect.hasLowerCaseChecksums, dialect.padding) = (number.isMultiple(of: 2), number > 1 ? "   " : "")
                let login = SIP2Client.Login(user: "表ソ係", password: "secret")
                let name = Self.names[number]
                let server = SIP2Server(patrons: [Self.card: name], login: login, dialect: dialect)
                let client = SIP2Client(
                    address: "127.0.0.1", port: try await server.start(), login: login, timeout: 30,
                    encoding: encoding, now: { 1_795_285_200 })
                let information = try await client.information(about: Self.card)
                #expect(information.isValid == true && information.name == name, "\(dialect)")
                #expect(information.screenMessage == "Ready")
                await server.stop()
            }
        }
    }

    @Test("8,192 bytes are read for an answer, and no more", arguments: [(8_085, true), (8_086, false)])
    func bound(blanks: Int, isRead: Bool) async throws {
        var dialect = SIP2Server.Dialect()
        // The answer about this name has 107 bytes.
        dialect.before = String(repeating: "\r", count: blanks)
        let server = SIP2Server(patrons: [Self.card: "a"], dialect: dialect)
        let client = SIP2Client(address: "127.0.0.1", port: try await server.start(), timeout: 30, now: { 0 })
        let information = try? await client.information(about: Self.card)
        #expect((information?.isValid == true) == isRead)
        await server.stop()
    }

    @Test("A name in another encoding than was set is shown with marks, and loses nobody's answer")
    func otherEncoding() async throws {
        var dialect = SIP2Server.Dialect()
        dialect.encoding = .eucJP
        let server = SIP2Server(patrons: [Self.card: "図書"], dialect: dialect)
        let client = SIP2Client(address: "127.0.0.1", port: try await server.start(), timeout: 30, now: { 0 })
        let information = try await client.information(about: Self.card)
        #expect(information.isValid == true && information.name.contains("\u{FFFD}"))
        await server.stop()
    }

    @Test("A system that wants a login gets one; a wrong one is refused")
    func login() async throws {
        let login = SIP2Client.Login(user: "desk", password: "secret")
        #expect(try await ask(login: login, serverLogin: login).isValid == true)
        await #expect(throws: SIP2Client.Failure.loginRefused) {
            try await ask(login: SIP2Client.Login(user: "desk", password: "wrong"), serverLogin: login)
        }
    }

    @Test("Silence, an answer about somebody else, a wrong checksum, and nobody there have their names")
    func failures() async throws {
        await #expect(throws: SIP2Client.Failure.unreachable) { try await ask(.silent, timeout: 0.3) }
        await #expect(throws: SIP2Client.Failure.garbledAnswer) { try await ask(.confused) }
        await #expect(throws: SIP2Client.Failure.garbledAnswer) { try await ask(.garbled) }
        await #expect(throws: SIP2Client.Failure.unreachable) {
            try await SIP2Client(address: "127.0.0.1", port: 1, timeout: 2, now: { 0 }).information(about: Self.card)
        }
    }

    @Test("A card number can't bring fields of its own", arguments: ["1|AFevil", "1\rXX", "", "1\u{0}"])
    func injection(card: String) async {
        await #expect(throws: SIP2Client.Failure.unusableNumber) { try await ask(card: card) }
    }

    @Test("Messages that are cut off are none")
    func truncated() {
        let whole = Array(
            "64              00020260101    120000000000000000000000000000AO|AA17|AEname|BLY|AY0AZ".utf8)
        let message = whole + Array(SIP2Message.checksum(whole).utf8)
        #expect(PatronInformation(message, cardNumber: "17")?.isValid == true)
        for count in 0..<61 { #expect(PatronInformation(Array(message.prefix(count)), cardNumber: "17") == nil) }
        #expect(PatronInformation(message, cardNumber: "18") == nil)
    }
}

@Suite struct KeyboardWedgeTests {
    @Test("The number and Enter, as a scanner types them; a reader that is not there delays nothing")
    func types() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-wedge-\(UUID().uuidString)").path()
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let wedge = KeyboardWedge(path: path)
        #expect(!wedge.type("20260000000017"), "nobody reads")
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        #expect(wedge.type("20260000000017"))
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(reader, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "20260000000017\r")
        #expect(!wedge.type("1\n2") && !wedge.type("") && !wedge.type("図書"))
        #expect(!KeyboardWedge(path: path + "-none").type("1"))
    }
}
