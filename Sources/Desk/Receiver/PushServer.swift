package import SecurityEvents
internal import Synchronization

/// A desk's ear for HTTP (RFC 8935).
package final class PushServer: Sendable {
    /// How the desk behaves; anything but `normal` is for trying a kiosk.
    package enum Behaviour: Sendable {
        case normal
        /// 400 with this name.
        case refuses(PushError)
        /// This status, with an empty body.
        case answers(Int)
        /// Waits so long before the answer.
        case slow(Duration)
    }

    package let desk: Recipient
    private let acknowledges: Bool
    private let address: ListeningSocket.Address
    private let listener = Mutex<PushListener?>(nil)
    private let behaviour = Mutex(Behaviour.normal)
    private let arrived = Mutex<AsyncStream<String>.Continuation?>(nil)
    package var receipts: AsyncStream<Recipient.Receipt> { desk.receipts }

    /// - Parameters:
    ///   - address: a numeric address of this machine, IPv4 or IPv6.
    ///   - port: 0 takes a free one.
    ///   - acknowledges: signs every answer, for kiosks that come over plain HTTP from elsewhere.
    package init(desk: Recipient, address: String = "127.0.0.1", port: UInt16 = 0, acknowledges: Bool = false) throws {
        (self.desk, self.acknowledges) = (desk, acknowledges)
        self.address = try ListeningSocket.Address(address, port: port)
    }

    deinit { listener.withLock { $0?.end() } }

    /// Listens; the port that it got.
    package func start() async throws -> UInt16 {
        let started = try PushListener(address, refusal: Self.refusal(.invalidRequest)) {
            [weak self] request, pause in
            self?.respond(to: request, pause) ?? PushListener.Response(status: 503)
        }
        listener.withLock { $0 = started }
        return started.port
    }

    package func stop() async {
        let started = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        started?.end()
        await started?.ended()
        desk.finish()
    }

    /// The methods of requests from now on, as they arrive: before the desk does anything about them.
    package func arrivals() async -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        arrived.withLock { $0 = continuation }
        return stream
    }

    package func behave(_ behaviour: Behaviour) async { self.behaviour.withLock { $0 = behaviour } }

    private func respond(to request: PushRequest, _ pause: (Duration) -> Bool) -> PushListener.Response {
        guard request.target == "/events" else { return PushListener.Response(status: 404) }
        arrived.withLock { $0 }?.yield(request.method)
        guard request.method == "POST" else {
            return PushListener.Response(status: 405, headers: [("Allow", "POST")])
        }
        switch behaviour.withLock({ $0 }) {
        case .normal: break
        case .refuses(let error): return Self.refusal(error)
        case .answers(let code): return PushListener.Response(status: code)
        case .slow(let duration): guard pause(duration) else { return PushListener.Response(status: 503) }
        }
        guard request.contentType == "application/secevent+jwt" else { return Self.refusal(.invalidRequest) }
        // Without the disk nothing was done: kiosks try again.
        guard let answer = try? desk.receive([request.body]).first else { return PushListener.Response(status: 503) }
        var response =
            switch answer.result {
            case .success: PushListener.Response(status: 202)
            case .failure(let error): Self.refusal(error)
            }
        if acknowledges, let acknowledgement = desk.acknowledgement(of: answer) {
            response.headers.append((Acknowledgement.header, String(decoding: acknowledgement, as: UTF8.self)))
        }
        return response
    }

    /// RFC 8935 2.3.
    private static func refusal(_ error: PushError) -> PushListener.Response {
        let body = #"{"err":"\#(error.rawValue)","description":"The token was not accepted."}"#
        return PushListener.Response(
            status: 400, headers: [("Content-Type", "application/json"), ("Content-Language", "en")],
            body: Array(body.utf8))
    }
}
