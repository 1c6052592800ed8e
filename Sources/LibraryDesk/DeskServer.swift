package import Announcement
internal import FlyingFox
internal import FlyingSocks
internal import FoundationEssentials
internal import Glibc

/// A desk's ear for HTTP (RFC 8935).
package actor DeskServer {
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

    package nonisolated let desk: Desk
    private let acknowledges: Bool
    private var behaviour = Behaviour.normal
    private let server: HTTPServer
    private var running: Task<Void, any Error>?
    package nonisolated var receipts: AsyncStream<Desk.Receipt> { desk.receipts }
    private var arrived: AsyncStream<Void>.Continuation?

    /// - Parameters:
    ///   - address: a numeric address of this machine, IPv4 or IPv6.
    ///   - port: 0 takes a free one.
    ///   - acknowledges: signs every answer, for kiosks that come over plain HTTP from elsewhere.
    package init(desk: Desk, address: String = "127.0.0.1", port: UInt16 = 0, acknowledges: Bool = false) throws {
        (self.desk, self.acknowledges) = (desk, acknowledges)
        server = try HTTPServer.listening(on: address, port: port)
    }

    /// Listens; the port that it got.
    package func start() async throws -> UInt16 {
        await server.appendRoute("POST /events") { [weak self] request in
            guard let self else { return HTTPResponse(statusCode: .serviceUnavailable) }
            return try await self.receive(request)
        }
        running = Task { [server] in try await server.run() }
        return try await server.port()
    }

    package func stop() async {
        await server.stop(timeout: 0)
        running?.cancel()
        desk.finish()
    }

    /// Requests from now on, as they arrive: before the desk does anything about them.
    package func arrivals() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        arrived = continuation
        return stream
    }

    package func behave(_ behaviour: Behaviour) { self.behaviour = behaviour }

    private func receive(_ request: HTTPRequest) async throws -> HTTPResponse {
        let body = try await request.bytes(most: SealedToken.most)
        arrived?.yield()
        switch behaviour {
        case .normal: break
        case .refuses(let error): return Self.refusal(error)
        case .answers(let code): return HTTPResponse(statusCode: HTTPStatusCode(code, phrase: "Test"))
        case .slow(let duration): try await Task.sleep(for: duration)
        }
        guard let body, request.headers[.contentType] == "application/secevent+jwt" else {
            return Self.refusal(.invalidRequest)
        }
        return try await answer(body)
    }

    /// Off the actor: tokens are checked side by side.
    @concurrent
    private nonisolated func answer(_ token: [UInt8]) async throws -> HTTPResponse {
        let answer = try await desk.receive(token)
        var response =
            switch answer.result {
            case .success: HTTPResponse(statusCode: .accepted)
            case .failure(let error): Self.refusal(error)
            }
        if acknowledges, let acknowledgement = desk.acknowledgement(of: answer) {
            response.headers[HTTPHeader(Acknowledgement.header)] = String(decoding: acknowledgement, as: UTF8.self)
        }
        return response
    }

    /// RFC 8935 2.3.
    private static func refusal(_ error: PushError) -> HTTPResponse {
        let body = #"{"err":"\#(error.rawValue)","description":"The token was not accepted."}"#
        return HTTPResponse(
            statusCode: .badRequest,
            headers: [.contentType: "application/json", HTTPHeader("Content-Language"): "en"], body: Data(body.utf8))
    }
}

extension HTTPServer {
    static func listening(on address: String, port: UInt16) throws -> HTTPServer {
        if address.contains(":") {
            return HTTPServer(
                address: try sockaddr_in6.inet6(ip6: address, port: port), timeout: 30, logger: .disabled)
        }
        return HTTPServer(address: try sockaddr_in.inet(ip4: address, port: port), timeout: 30, logger: .disabled)
    }

    /// The port that it got, once it listens.
    func port() async throws -> UInt16 {
        try await waitUntilListening(timeout: 60)
        switch listeningAddress {
        case .ip4(_, let port), .ip6(_, let port): return port
        case .unix, nil: return 0
        }
    }
}

extension HTTPRequest {
    /// The body; nil when it is longer than `most`.
    func bytes(most: Int) async throws -> [UInt8]? {
        var bytes: [UInt8] = []
        for try await piece in bodySequence {
            bytes += piece
            // What is left of it is read all the same: the connection goes on behind it.
            if bytes.count > most { bytes.removeLast(bytes.count - most - 1) }
        }
        return bytes.count > most ? nil : bytes
    }
}
