package import Announcement
internal import FlyingFox
internal import FlyingSocks
internal import FoundationEssentials
internal import Glibc

/// A library's receiving desk over HTTP (RFC 8935): checks tokens, acknowledges, and hands on what it got.
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

    /// One request and what came of it.
    package struct Receipt: Sendable {
        package let result: Result<AcceptedEvent, PushError>
        /// Milliseconds that the desk's own checks took.
        package let milliseconds: Double
    }

    private var verifier: TokenVerifier
    private var behaviour = Behaviour.normal
    private let server: HTTPServer
    private var running: Task<Void, any Error>?
    /// What came in, in order.
    package nonisolated let receipts: AsyncStream<Receipt>
    private let continuation: AsyncStream<Receipt>.Continuation
    /// Requests, as they arrive: before the desk does anything about them.
    package nonisolated let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    /// - Parameter port: 0 takes a free one.
    package init(verifier: TokenVerifier, port: UInt16 = 0) throws {
        self.verifier = verifier
        server = HTTPServer(
            address: try sockaddr_in.inet(ip4: "127.0.0.1", port: port), timeout: 30, logger: .disabled)
        (receipts, continuation) = AsyncStream.makeStream()
        (arrivals, arrived) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16))
    }

    /// Listens; the port that it got.
    package func start() async throws -> UInt16 {
        await server.appendRoute("POST /events") { [weak self] request in
            guard let self else { return HTTPResponse(statusCode: .serviceUnavailable) }
            return try await self.receive(request)
        }
        running = Task { [server] in try await server.run() }
        try await server.waitUntilListening(timeout: 5)
        guard case .ip4(_, let port) = await server.listeningAddress else { return 0 }
        return port
    }

    package func stop() async {
        await server.stop(timeout: 0)
        running?.cancel()
        continuation.finish()
    }

    package func behave(_ behaviour: Behaviour) { self.behaviour = behaviour }

    private func receive(_ request: HTTPRequest) async throws -> HTTPResponse {
        let body = [UInt8](try await request.bodyData)
        arrived.yield()
        switch behaviour {
        case .normal: break
        case .refuses(let error): return Self.refusal(error)
        case .answers(let code): return HTTPResponse(statusCode: HTTPStatusCode(code, phrase: "Test"))
        case .slow(let duration): try await Task.sleep(for: duration)
        }
        guard request.headers[.contentType] == "application/secevent+jwt" else { return Self.refusal(.invalidRequest) }
        let start = ContinuousClock.now
        let result: Result<AcceptedEvent, PushError>
        do throws(PushError) {
            result = .success(try verifier.verify(body, now: Int64(time(nil))))
        } catch {
            result = .failure(error)
        }
        let (seconds, attoseconds) = start.duration(to: .now).components
        let milliseconds = Double(seconds) * 1_000 + Double(attoseconds) / 1e15
        continuation.yield(Receipt(result: result, milliseconds: milliseconds))
        switch result {
        case .success: return HTTPResponse(statusCode: .accepted)
        case .failure(let error): return Self.refusal(error)
        }
    }

    /// RFC 8935 2.3.
    private static func refusal(_ error: PushError) -> HTTPResponse {
        let body = #"{"err":"\#(error.rawValue)","description":"The token was not accepted."}"#
        return HTTPResponse(
            statusCode: .badRequest,
            headers: [.contentType: "application/json", HTTPHeader("Content-Language"): "en"], body: Data(body.utf8))
    }
}
