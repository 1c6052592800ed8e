@testable import SecurityEvents
@testable import Announcement
import Cryptography
import Desk
import Foundation
import Glibc
import HTTPClient
import JOSE

/// A kiosk's announcer and a library's desk on loopback, over HTTP and UDP.
final class Pair: Sendable {
    static let kiosk = "kiosk-07.lib.example"
    static let audience = "https://ils.example"
    static let platform = "https://mkpf.example"

    enum Channel: Sendable, CaseIterable { case http, udp, udp6 }
    enum Form: String, Sendable, CaseIterable { case nested, direct }

    let desk: Recipient
    let server: PushServer
    let datagrams: DatagramServer
    let httpPort: UInt16
    let announcer: Announcer
    let keys: Keys

    /// Both sides' keys.
    struct Keys: Sendable {
        let kiosk: SigningKey
        let library: SigningKey
        let acknowledgement: SigningKey
        let shared: SharedKey

        init() throws {
            kiosk = SigningKey(try P256PrivateKey.generate())
            library = SigningKey(try P256PrivateKey.generate())
            acknowledgement = SigningKey(try P256PrivateKey.generate())
            shared = try SharedKey.generate()
        }

        func suite(_ form: Form) -> Suite {
            form == .direct
                ? .direct(shared)
                : .nested(receiver: library.publicJWK, acknowledgers: [acknowledgement.publicJWK])
        }

        func desk(
            _ form: Form, file: String? = nil, kioskKey: SigningKey? = nil, disabled: Bool = false, window: Int64 = 10,
            now: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
        ) throws -> Recipient {
            let key: KnownKiosk.Key = form == .direct ? .shared(shared) : .signing((kioskKey ?? kiosk).publicJWK)
            return try Recipient(
                verifier: TokenVerifier(
                    audience: Pair.audience, keys: form == .direct ? [] : [library],
                    kiosks: [KnownKiosk(id: Pair.kiosk, key: key, isDisabled: disabled)], window: window),
                acknowledger: form == .direct ? .shared : .signing(acknowledgement), file: file, now: now)
        }
    }

    init(
        _ channel: Channel = .http, _ form: Form = .nested, audience: String = Pair.audience,
        kioskKeyAtDesk: SigningKey? = nil, disabled: Bool = false, file: String? = nil
    ) async throws {
        keys = try Keys()
        desk = try keys.desk(form, file: file, kioskKey: kioskKeyAtDesk, disabled: disabled)
        server = try PushServer(desk: desk)
        httpPort = try await server.start()
        let address = channel == .udp6 ? "::1" : "127.0.0.1"
        datagrams = try DatagramServer(desk: desk, address: address)
        let endpoint: Endpoint =
            channel == .http
            ? .loopback(url: "http://127.0.0.1:\(httpPort)/events") : .udp(host: address, port: datagrams.port)
        announcer = Pair.announcer(
            [
                Library(name: "central", audience: audience, endpoint: endpoint, suite: keys.suite(form))
            ], keys: keys)
    }

    static func announcer(
        _ libraries: [Library], keys: Keys, followUpLimit: Duration = .seconds(60),
        now: @escaping @Sendable () -> Int64? = { Int64(time(nil)) },
        acknowledged: @escaping @Sendable (String, Duration) -> Void = { _, _ in }
    ) -> Announcer {
        Announcer(
            kiosk: kiosk, platform: platform, signingKey: keys.kiosk, libraries: libraries, http: CurlClient(),
            followUpLimit: followUpLimit, now: now, acknowledged: acknowledged)
    }

    static func statement(_ library: String = "central", ppid: String = "PPID-1") -> Statement {
        Statement(library: library, ppid: Confidential(ppid), serviceID: Confidential("20260000000017"))
    }

    func seal() async throws -> TapAnnouncement {
        try await announcer.seal([Self.statement()], tapped: Int64(time(nil)))
    }

    func push(within limit: Duration = .seconds(20)) async throws -> Delivery {
        await announcer.deliver(try await seal(), deadline: .now + limit)
    }

    /// The next events that the desk accepted for the first time.
    func accepted(_ count: Int) async -> [AcceptedEvent] {
        var events: [AcceptedEvent] = []
        for await receipt in desk.receipts {
            if case .success(let event) = receipt.result, !event.isDuplicate { events.append(event) }
            if events.count == count { break }
        }
        return events
    }

    func stop() async {
        await server.stop()
        datagrams.stop()
    }
}

/// Everything that a desk accepts, as it comes.
actor Acceptances {
    private(set) var events: [AcceptedEvent] = []
    private(set) var duplicates = 0
    private var gathering: Task<Void, Never>?

    init(_ desk: Recipient) async {
        gathering = Task { [weak self] in
            for await receipt in desk.receipts {
                if case .success(let event) = receipt.result { await self?.add(event) }
            }
        }
    }

    private func add(_ event: AcceptedEvent) {
        if event.isDuplicate { duplicates += 1 } else { events.append(event) }
    }

    deinit { gathering?.cancel() }
}
