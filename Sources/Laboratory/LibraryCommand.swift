internal import ArgumentParser
internal import Clock
internal import Cryptography
internal import Desk
internal import Files
internal import Foundation
internal import Glibc
internal import JOSE
internal import Pilot
internal import SecurityEvents
internal import TLV

struct LibraryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "library",
        abstract: "A library's desk: checks tokens in the profile's order, acknowledges, shows who is there.",
        discussion: """
            It takes tokens over HTTP (POST /events) and UDP, and serves the staff's display to a browser on this machine.
            What it prints holds no pseudonym and no card number. 受付の表示はこのコンピューターのブラウザーで開けます。
            """)

    @Option(
        help:
            "A pilot folder, as `pki init` writes it; the desk's own file is kept in its folder desk, for its owner alone."
    )
    var folder: String
    @Option(help: "The address to listen on for tokens: this machine's own by default.")
    var address = "127.0.0.1"
    @Option(help: "The port for tokens, TCP and UDP.")
    var port: UInt16 = 8_935
    @Option(help: "The port of the staff's display, on this machine only.")
    var pagePort: UInt16 = 8_936
    @Option(help: "The suite of its kiosk: nested or direct.")
    var suite = "nested"
    @Option(help: "Ask the library's system (SIP2) at ADDRESS:PORT about each card number.")
    var sip2: String?
    @Option(help: "How that system writes and reads.") var sip2Encoding = JapaneseEncoding.utf8
    @Option(help: "Write each card number to this device, as a bar code scanner types it.")
    var wedge: String?

    func validate() throws {
        guard ["nested", "direct"].contains(suite) else { throw ValidationError("--suite is nested or direct.") }
        if let sip2, Self.endpoint(sip2) == nil {
            throw ValidationError(
                "--sip2 wants a numeric IPv4 address and a port, such as 127.0.0.1:6001, not \(sip2).")
        }
    }

    private static func endpoint(_ text: String) -> (address: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var address = in_addr()
        guard inet_pton(AF_INET, String(text[..<colon]), &address) == 1 else { return nil }
        return (String(text[..<colon]), port)
    }

    func run() async throws {
        let desk = try desk()
        let isElsewhere = address != "127.0.0.1" && address != "::1"
        let server = try PushServer(desk: desk, address: address, port: port, acknowledges: isElsewhere)
        emit("tokens over HTTP: http://\(address):\(try await server.start())/events")
        let datagrams = try DatagramServer(desk: desk, address: address, port: port)
        emit("tokens over UDP: \(address) port \(datagrams.port)")
        let page = try DeskPage(counter: desk.counter, port: pagePort)
        emit("the staff's display: http://127.0.0.1:\(try await page.start())/ (English: ?lang=en)")
        handOn(from: desk.counter)
        let pruning = Task {
            while (try? await Task.sleep(for: .seconds(60))) != nil { desk.prune() }
        }
        var digest = RefusalDigest()
        for await receipt in desk.receipts {
            for line in digest.lines(for: receipt, at: .now) { emit(line) }
        }
        pruning.cancel()
    }

    private func desk() throws -> Recipient {
        func unusable(_ name: String) -> ValidationError {
            ValidationError("\(folder)/\(name) cannot be read; make a pilot folder with kazashi-lab pki init.")
        }
        func key(_ name: String) throws -> SigningKey {
            guard let pem = readFile(folder + "/" + name) else { throw unusable(name) }
            return SigningKey(try P256PrivateKey(pem: pem))
        }
        if suite == "direct" {
            guard let jwk = readFile(folder + "/central-shared.jwk") else { throw unusable("central-shared.jwk") }
            let kiosk = KnownKiosk(id: PilotFolder.kioskID, key: .shared(try SharedKey.parse(jwk)))
            let verifier = TokenVerifier(audience: PilotFolder.audience, kiosks: [kiosk])
            return try Recipient(
                verifier: verifier, acknowledger: .shared, file: ownFolder() + "/desk.sqlite", now: systemTime)
        }
        guard let jwk = readFile(folder + "/kiosk.jwk") else { throw unusable("kiosk.jwk") }
        let kiosks = try PublicJWK.parse(jwk).map { KnownKiosk(id: PilotFolder.kioskID, key: $0) }
        return try Recipient(
            verifier: TokenVerifier(
                audience: PilotFolder.audience, keys: [try key("library-ecdh.pem")], kiosks: kiosks),
            acknowledger: .signing(try key("library-sign.pem")), file: ownFolder() + "/desk.sqlite", now: systemTime)
    }

    /// Patrons' names are kept in it. The pilot folder itself may be a kiosk's, too, of another user.
    private func ownFolder() throws -> String {
        let own = folder + "/desk"
        guard mkdir(own, 0o700) == 0 || errno == EEXIST, chmod(own, 0o700) == 0 else {
            throw ValidationError("\(own) cannot be made: \(String(cString: strerror(errno)))")
        }
        // Where it was kept before.
        for ending in ["", "-wal"] { rename("\(folder)/desk.sqlite\(ending)", "\(own)/desk.sqlite\(ending)") }
        unlink(folder + "/desk.sqlite-shm")
        return own
    }

    /// What a library does with a card number beside showing it.
    private func handOn(from counter: Counter) {
        let client = sip2.flatMap { Self.endpoint($0) }.map {
            SIP2Client(address: $0.address, port: $0.port, encoding: sip2Encoding, now: systemTime)
        }
        let keyboard = wedge.map { KeyboardWedge(path: $0) }
        counter.onArrival { presented in
            guard let card = presented.cardNumber else { return }
            if let keyboard, !keyboard.type(card) { note("the keyboard wedge takes nothing") }
            guard let client else { return }
            Task {
                do throws(SIP2Client.Failure) {
                    counter.note(.answered(try await client.information(about: card)), number: presented.number)
                } catch {
                    note("SIP2: \(error.rawValue)")
                    counter.note(.failed, number: presented.number)
                }
            }
        }
    }

    /// One line a token; the pseudonym is for the desk's own table, not for what it prints.
    static func line(_ receipt: Recipient.Receipt) -> String {
        switch receipt.result {
        case .success(let event):
            let line =
                "\(event.event?.uri ?? "an event") kiosk=\(event.iss) jti=\(event.jti.text) "
                + "toe=\(CivilTime(secondsSince1970: event.toe).rfc3339)"
            return event.isDuplicate ? line + " (duplicate)" : line
        case .failure(let error): return "refused: \(error.rawValue)"
        }
    }
}

/// What is printed of tokens: anybody on the network can have a token refused, a thousand times a second, and what is
/// printed is kept somewhere. After a few refusals in ten seconds they are only counted.
struct RefusalDigest {
    private static let most = 10
    private static let period = Duration.seconds(10)
    private var end: ContinuousClock.Instant?
    private var count = 0

    mutating func lines(for receipt: Recipient.Receipt, at now: ContinuousClock.Instant) -> [String] {
        var lines: [String] = []
        if let end, now >= end {
            if count > Self.most { lines.append("refused: \(count - Self.most) more") }
            (self.end, count) = (nil, 0)
        }
        if case .failure = receipt.result {
            if end == nil { end = now + Self.period }
            count += 1
            guard count <= Self.most else { return lines }
        }
        return lines + [LibraryCommand.line(receipt)]
    }
}

extension JapaneseEncoding: ExpressibleByArgument {}
