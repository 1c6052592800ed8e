internal import Announcement
internal import ArgumentParser
internal import Clock
internal import Cryptography
internal import Desk
internal import Foundation
internal import Glibc
internal import HTTPClient
internal import JOSE
internal import Pilot
internal import SecurityEvents
internal import TestRig

/// Making, sealing and delivering tokens, beside the arithmetic that both sides can't do without, in one run.
struct PushBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push tokens on loopback: making and sealing, acknowledged over HTTPS and UDP, a desk under load.",
        discussion: "Wall-clock milliseconds. Run it from a release build; HTTPS needs Debian's stunnel4.")

    @Option(help: "Tokens of each series.")
    var tokens = 400
    @Option(help: "Simulated kiosks, each with its own key.")
    var kiosks = 10_000
    @Option(help: "Seconds that they tap, once a minute each.")
    var seconds = 60

    func run() async throws {
        #if DEBUG
            note("This is a debug build: its figures mean nothing.")
        #endif
        let bench = try SingleKioskBench(tokens: tokens)
        emit("the arithmetic, Mbed TLS, one thread")
        let floor = try bench.arithmetic()
        try await bench.sealing()
        try await bench.roundTrips(floor: floor)
        try await DeskLoadBench(tokens: tokens).run(floor: floor)
        for suite in ["nested", "direct"] where kiosks > 0 {
            try await ManyKiosksBench(kiosks: kiosks, seconds: seconds, isDirect: suite == "direct").run()
        }
    }
}

/// What P-256 costs here and now: medians, in milliseconds.
struct Arithmetic: Sendable {
    let sign, verify, agree: Double
    /// What is left to do at a tap when the kiosk's agreement was made before.
    var https: Double { sign + agree + verify }
    /// And the acknowledgement's own signature.
    var nestedUDP: Double { https + sign + verify }
}

/// Both sides' keys, and a transmitter to wherever the desk listens.
struct BenchKeys: Sendable {
    let kiosk, library, acknowledgement: SigningKey
    let shared: SharedKey

    init() throws {
        func key() throws -> SigningKey { SigningKey(try P256PrivateKey.generate()) }
        (kiosk, library, acknowledgement, shared) = (try key(), try key(), try key(), try SharedKey.generate())
    }

    func suite(isDirect: Bool) -> Suite {
        isDirect
            ? .direct(shared) : .nested(receiver: library.publicJWK, acknowledgers: [acknowledgement.publicJWK])
    }

    func desk(isDirect: Bool, file: String) throws -> Recipient {
        let key: KnownKiosk.Key = isDirect ? .shared(shared) : .signing(kiosk.publicJWK)
        return try Recipient(
            verifier: TokenVerifier(
                audience: PilotFolder.audience, keys: isDirect ? [] : [library],
                kiosks: [KnownKiosk(id: PilotFolder.kioskID, key: key)]),
            acknowledger: isDirect ? .shared : .signing(acknowledgement), file: file, now: systemTime)
    }

    func transmitter(_ endpoint: Endpoint, isDirect: Bool) -> Transmitter {
        Transmitter(
            Library(
                name: "central", audience: PilotFolder.audience, endpoint: endpoint, suite: suite(isDirect: isDirect)),
            kiosk: PilotFolder.kioskID, signingKey: kiosk, http: CurlClient(), now: { systemTime() })
    }

    /// A presence of somebody.
    static func presented(_ number: Int = 0) -> SecurityEvent {
        .person(
            .presented(serviceID: Confidential("20260000000017")),
            SubjectIdentifier(issuer: PilotFolder.platform, subject: "PPID-BENCH-\(number)-0123456789"))
    }
}

/// One kiosk that pushes one token after the other.
private struct SingleKioskBench {
    let tokens: Int
    private let keys: BenchKeys

    init(tokens: Int) throws {
        self.tokens = tokens
        keys = try BenchKeys()
    }

    func arithmetic() throws -> Arithmetic {
        let message = [UInt8](repeating: 0x41, count: 400)
        let signature = try keys.kiosk.key.sign(message)
        let sign = try Timings.measure(tokens) { _ = try keys.kiosk.key.sign(message) }
        let publicKey = keys.kiosk.key.publicKey
        let verify = try Timings.measure(tokens) { try publicKey.verify(signature, over: message) }
        let peer = keys.library.key.publicKey
        let agree = try Timings.measure(tokens) { _ = try keys.kiosk.key.sharedSecret(with: peer) }
        let generate = try Timings.measure(tokens) { _ = try P256PrivateKey.generate() }
        sign.emit("sign")
        verify.emit("verify")
        agree.emit("agree")
        generate.emit("a fresh key")
        let floor = Arithmetic(
            sign: sign.quantile(0.5), verify: verify.quantile(0.5), agree: agree.quantile(0.5))
        emit(
            String(
                format: "  floor, sum of medians: HTTPS nested %.2f ms, UDP nested %.2f ms", floor.https,
                floor.nestedUDP))
        return floor
    }

    func sealing() async throws {
        emit("a token made and sealed")
        for isDirect in [false, true] {
            let transmitter = keys.transmitter(.udp(host: "127.0.0.1", port: 9), isDirect: isDirect)
            var timings = Timings()
            var size = 0
            for _ in 0..<tokens {
                await transmitter.prepare()
                let jti = try TokenID()
                let start = ContinuousClock.now
                let token = try await transmitter.seal(BenchKeys.presented(), jti: jti, toe: systemTime())
                timings.add(start.duration(to: .now))
                size = token.bytes.count
            }
            timings.emit((isDirect ? "direct" : "nested") + ", \(size) bytes")
        }
    }

    func roundTrips(floor: Arithmetic) async throws {
        emit("from the event to its acknowledgement (made, sealed, pushed, checked, answered), loopback")
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-push-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for isDirect in [false, true] {
            let suite = isDirect ? "direct" : "nested"
            let desk = try keys.desk(isDirect: isDirect, file: "\(folder)/\(suite).sqlite")
            let server = try PushServer(desk: desk)
            let port = try await server.start()
            let datagrams = try DatagramServer(desk: desk)
            if FileManager.default.isExecutableFile(atPath: TLSFront.program) {
                let front = try await TLSFront(before: port, in: folder)
                let endpoint = Endpoint.https(
                    url: "https://localhost:\(front.port)/events", tls: TLSOptions(authorities: front.certificate))
                try await roundTrip("\(suite), warm HTTPS", endpoint, isDirect, over: isDirect ? 0 : floor.https)
                await front.stop()
            } else {
                note("  no stunnel here: HTTPS is left out")
            }
            let endpoint = Endpoint.udp(host: "127.0.0.1", port: datagrams.port)
            try await roundTrip("\(suite), UDP", endpoint, isDirect, over: isDirect ? 0 : floor.nestedUDP)
            datagrams.stop()
            await server.stop()
        }
    }

    private func roundTrip(_ name: String, _ endpoint: Endpoint, _ isDirect: Bool, over floor: Double) async throws {
        let transmitter = keys.transmitter(endpoint, isDirect: isDirect)
        var timings = Timings()
        // The first opens the connection.
        for number in 0...tokens {
            await transmitter.prepare()
            let jti = try TokenID()
            let start = ContinuousClock.now
            let token = try await transmitter.seal(BenchKeys.presented(number), jti: jti, toe: systemTime())
            guard await transmitter.push(token, deadline: start + .seconds(4)) == .acknowledged else {
                throw ChildProcess.Failed(description: "\(name): a token was not acknowledged")
            }
            if number > 0 { timings.add(start.duration(to: .now)) }
        }
        timings.emit(name)
        if floor > 0 {
            emit(
                String(
                    format: "    over the floor of %.2f ms: p50 %+.2f, p99 %+.2f", floor,
                    timings.quantile(0.5) - floor, timings.quantile(0.99) - floor))
        }
    }
}
