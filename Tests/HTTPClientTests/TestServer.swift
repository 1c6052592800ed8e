import FlyingFox
import FlyingSocks
import Foundation

/// What the test's server got, and what it shall answer: FlyingFox's own types share their names with ours.
struct Received: Sendable {
    let method: String
    let contentType: String
    let body: [UInt8]
}

struct Answer: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var body: [UInt8] = []
}

/// A server on loopback for the length of `body`.
func withServer(
    _ handler: @escaping @Sendable (Received) async throws -> Answer, _ body: (String) async throws -> Void
) async throws {
    let server = HTTPServer(address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
    await server.appendRoute("*") { request in
        let received = Received(
            method: request.method.rawValue, contentType: request.headers[.contentType] ?? "",
            body: Array(try await request.bodyData))
        let answer = try await handler(received)
        var headers = HTTPHeaders()
        for (name, value) in answer.headers { headers[HTTPHeader(name)] = value }
        return HTTPResponse(
            statusCode: HTTPStatusCode(answer.status, phrase: "Test"), headers: headers, body: Data(answer.body))
    }
    let running = Task { try await server.run() }
    let result: Result<Void, any Error>
    do {
        try await server.waitUntilListening()
        guard case .ip4(_, let port) = await server.listeningAddress else { throw CancellationError() }
        result = .success(try await body("http://127.0.0.1:\(port)/x"))
    } catch {
        result = .failure(error)
    }
    await server.stop(timeout: 0)
    running.cancel()
    try result.get()
}
