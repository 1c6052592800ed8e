internal import Clock
internal import Cryptography
internal import Desk
internal import Files
internal import Foundation
internal import Glibc
internal import HTTPClient
internal import JOSE
internal import Pilot
internal import SecurityEvents
internal import Synchronization
internal import TestRig

/// Many kiosks, each with its own key, that tap once a minute, and one desk.
struct ManyKiosksBench {
    let kiosks: Int
    let seconds: Int
    let isDirect: Bool

    private struct Simulated: Sendable {
        let id: String
        let signing: SigningKey?
        let shared: SharedKey?
    }

    private struct Made: Sendable {
        let token: [UInt8]
        let name: String
    }

    private final class Book: Sendable {
        let sent = Mutex<[String: ContinuousClock.Instant]>([:])
        let timings = Mutex(Timings())
    }

    func run() async throws {
        let suite = isDirect ? "direct" : "nested"
        note("making the keys of \(kiosks) kiosks …")
        let library = SigningKey(try P256PrivateKey.generate())
        let acknowledgement = SigningKey(try P256PrivateKey.generate())
        let all = try (0..<kiosks).map { number in
            Simulated(
                id: "kiosk-\(number).lib.example",
                signing: isDirect ? nil : SigningKey(try P256PrivateKey.generate()),
                shared: isDirect ? try SharedKey.generate() : nil)
        }
        let known = all.compactMap { kiosk -> KnownKiosk? in
            if let signing = kiosk.signing { return KnownKiosk(id: kiosk.id, key: signing.publicJWK) }
            return kiosk.shared.map { KnownKiosk(id: kiosk.id, key: .shared($0)) }
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-many-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let desk = try Recipient(
            verifier: TokenVerifier(
                audience: PilotFolder.audience, keys: isDirect ? [] : [library], kiosks: known),
            acknowledger: isDirect ? .shared : .signing(acknowledgement), file: folder + "/desk.sqlite", now: systemTime
        )
        let datagrams = try DatagramServer(desk: desk)
        let pruning = Task {
            while (try? await Task.sleep(for: .seconds(10))) != nil { desk.prune() }
        }
        let book = Book()
        let socket = try LoadSocket(port: datagrams.port)
        let receiving = Task { [isDirect] in
            try await onThread { Self.receive(from: socket, isDirect: isDirect, into: book) }
        }
        var memory: [Int] = []
        let count = kiosks * seconds / 60
        note("\(count) taps in \(seconds) seconds …")
        // Tokens are made two seconds ahead, as kiosks prepare before a tap.
        let (tokens, continuation) = AsyncStream.makeStream(of: Made.self)
        let ahead = Ahead(room: 2 * max(1, kiosks / 60))
        let making = Task.detached {
            for number in 0..<count {
                await ahead.enter()
                if let made = try? make(all[(number * 7_919) % all.count], number, library) { continuation.yield(made) }
            }
            continuation.finish()
        }
        let start = ContinuousClock.now
        var next = start + .seconds(2)
        var number = 0
        for await made in tokens {
            await ahead.leave()
            // Independent patrons: the pauses between them are exponential.
            next += .nanoseconds(Int64(-log(Double.random(in: 1e-12..<1)) * 60e9 / Double(kiosks)))
            try? await Task.sleep(until: next, tolerance: .zero, clock: .continuous)
            book.sent.withLock { $0[made.name] = .now }
            socket.send(made.token)
            number += 1
            if number % max(1, count / 4) == 0 { memory.append(try ProcessFigures(pid: getpid()).anonymousKiB) }
        }
        await making.value
        try await receiving.value
        pruning.cancel()
        datagrams.stop()
        let (timings, lost) = (book.timings.withLock { $0 }, book.sent.withLock { $0.count })
        emit(
            "\(kiosks) kiosks, \(suite), once a minute each, Poisson; \(timings.values.count) acknowledged, \(lost) not"
        )
        timings.emit("acknowledged")
        emit(
            "  RssAnon of desk and kiosks together, by quarters: \(memory.map { "\($0 / 1_024)" }.joined(separator: ", ")) MiB"
        )
    }

    private func make(_ kiosk: Simulated, _ number: Int, _ library: SigningKey) throws -> Made {
        let jti = try TokenID()
        let now = systemTime()
        let claims = EventClaims(
            iss: kiosk.id, aud: PilotFolder.audience, iat: now, toe: now, jti: jti,
            event: BenchKeys.presented(number))
        if let shared = kiosk.shared {
            return Made(token: try shared.seal(claims.encoded(), type: EventClaims.type), name: shared.keyID)
        }
        guard let signing = kiosk.signing else { throw JOSEError.unsuitableKey }
        let signed = try JWS.sign(claims.encoded(), type: EventClaims.type, key: signing)
        return Made(token: try PreparedAgreement(with: library.publicJWK).seal(signed), name: jti.text)
    }

    /// Until nothing comes for two seconds. The signature of an answer is the kiosk's to check, and no kiosk's machine is
    /// this one: only what it is about is looked at.
    private static func receive(from socket: LoadSocket, isDirect: Bool, into book: Book) {
        struct Payload: Decodable { let ack: [String] }
        struct Header: Decodable { let kid: String }
        var hasBegun = false
        while true {
            guard let answer = socket.receive() else {
                if hasBegun { return }
                continue
            }
            hasBegun = true
            let now = ContinuousClock.now
            let parts = answer.split(separator: UInt8(ascii: "."))
            let name: String?
            if isDirect {
                name =
                    parts.first.flatMap { try? Base64URL.decode($0) }
                    .flatMap { try? JSONDecoder().decode(Header.self, from: Data($0)) }?.kid
            } else {
                name =
                    parts.dropFirst().first.flatMap { try? Base64URL.decode($0) }
                    .flatMap { try? JSONDecoder().decode(Payload.self, from: Data($0)) }?.ack.first
            }
            guard let name, let sent = book.sent.withLock({ $0.removeValue(forKey: name) }) else { continue }
            book.timings.withLock { $0.add(sent.duration(to: now)) }
        }
    }
}

/// Lets so many tokens be made ahead, and no more.
private actor Ahead {
    private var room: Int
    private var waiting: CheckedContinuation<Void, Never>?

    init(room: Int) { self.room = room }

    func enter() async {
        if room <= 0 { await withCheckedContinuation { waiting = $0 } }
        room -= 1
    }

    func leave() {
        room += 1
        waiting?.resume()
        waiting = nil
    }
}
