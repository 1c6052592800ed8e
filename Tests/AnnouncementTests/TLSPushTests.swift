@testable import SecurityEvents
@testable import Announcement
import Desk
import Foundation
import Glibc
import HTTPClient
import TestRig
import Testing

/// The push over real TLS, with stunnel before the desk.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: access(TLSFront.program, X_OK) == 0, "needs Debian's stunnel4; board/requirements installs it"))
struct TLSPushTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-front-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func push(_ pair: Pair, to url: String, _ tls: TLSOptions, times: Int = 1) async throws -> [Delivery] {
        let announcer = Pair.announcer(
            [
                Library(
                    name: "central", audience: Pair.audience, endpoint: .https(url: url, tls: tls),
                    suite: pair.keys.suite(.nested))
            ], keys: pair.keys)
        var deliveries: [Delivery] = []
        for _ in 0..<times {
            let sealed = try await announcer.seal([Pair.statement()], tapped: Int64(time(nil)))
            deliveries.append(await announcer.deliver(sealed, deadline: .now + .seconds(20)))
        }
        return deliveries
    }

    @Test("A private authority and a client certificate where they are configured; the name is checked")
    func mutual() async throws {
        let pair = try await Pair()
        let client = try await TLSFront.makeCertificate("kiosk", in: folder)
        let front = try await TLSFront(before: pair.httpPort, in: folder, client: client.certificate)
        let url = "https://localhost:\(front.port)/events"
        var tls = TLSOptions(authorities: front.certificate)
        #expect(try await push(pair, to: url, tls) == [.unreachable], "without the client's certificate")
        tls.clientCertificate = client.certificate
        tls.clientKey = client.key
        #expect(try await push(pair, to: url, tls, times: 2) == [.acknowledged, .acknowledged])
        let otherName = "https://127.0.0.1:\(front.port)/events"
        #expect(try await push(pair, to: otherName, tls) == [.unreachable])
        tls.authorities = nil
        #expect(try await push(pair, to: url, tls) == [.unreachable], "an authority that nobody configured")
        await front.stop()
        await pair.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("The connection stays warm between taps: one TLS handshake for all of them")
    func warm() async throws {
        let pair = try await Pair()
        let front = try await TLSFront(before: pair.httpPort, in: folder)
        let url = "https://localhost:\(front.port)/events"
        let deliveries = try await push(pair, to: url, TLSOptions(authorities: front.certificate), times: 5)
        #expect(deliveries == [Delivery](repeating: .acknowledged, count: 5))
        // The warming OPTIONS request may have one of its own beside the first.
        let handshakes = front.log.components(separatedBy: "TLS accepted").count - 1
        #expect((1...2).contains(handshakes), "\(handshakes) handshakes")
        await front.stop()
        await pair.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
