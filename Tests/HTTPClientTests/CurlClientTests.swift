import Files
import HTTPClient
import Testing

@Suite(.timeLimit(.minutes(1))) struct CurlClientTests {
    let client = CurlClient()

    @Test("A POST goes out as it is, and the answer comes back whole")
    func post() async throws {
        try await withServer { received in
            Answer(status: 202, headers: ["X-Type": received.contentType], body: received.body + [0x21])
        } _: { url in
            var request = HTTPRequest(.post, url, body: Array("token".utf8))
            request.headers = ["Content-Type: application/secevent+jwt"]
            for _ in 0..<3 {
                let response = try await client.send(request)
                #expect(response.status == 202)
                #expect(response.body == Array("token!".utf8))
                #expect(response.headers["x-type"] == "application/secevent+jwt")
            }
        }
    }

    @Test("Each method goes out as itself")
    func methods() async throws {
        try await withServer { received in
            Answer(body: Array(received.method.utf8))
        } _: { url in
            for method in [HTTPRequest.Method.get, .post, .options] {
                let response = try await client.send(HTTPRequest(method, url))
                #expect(response.body == Array(method.rawValue.utf8))
            }
        }
    }

    @Test("Redirects are answers, never followed")
    func redirect() async throws {
        try await withServer { _ in
            Answer(status: 302, headers: ["Location": "http://127.0.0.1:1/elsewhere"])
        } _: { url in
            let response = try await client.send(HTTPRequest(.get, url))
            #expect(response.status == 302)
        }
    }

    @Test("Of an answer's headers 64 are kept")
    func headers() async throws {
        try await withServer { _ in
            Answer(headers: Dictionary((0..<70).map { ("X-\($0)", "1") }) { $1 })
        } _: { url in
            let response = try await client.send(HTTPRequest(.get, url))
            #expect(response.headers.count == 64)
        }
    }

    @Test("A client that nobody has any more ends its thread")
    func ended() async {
        await #expect(processExitsWith: .success) {
            func threads() -> Int {
                names(in: "/proc/self/task").filter { readFile("/proc/self/task/\($0)/comm") == Array("http\n".utf8) }
                    .count
            }
            do {
                let client = CurlClient()
                _ = try? await client.send(HTTPRequest(.get, "http://127.0.0.1:1/"))
                #expect(threads() == 1)
            }
            let deadline = ContinuousClock.now + .seconds(30)
            // The system announces no thread's end that could be awaited.
            while threads() > 0, .now < deadline { await Task.yield() }
            #expect(threads() == 0)
        }
    }

    @Test("An answer larger than was asked for is an error")
    func tooLarge() async throws {
        try await withServer { _ in
            Answer(body: [UInt8](repeating: 1, count: 5_000))
        } _: { url in
            await #expect(throws: HTTPClientError.answerTooLarge) { try await client.send(HTTPRequest(.get, url)) }
            await #expect(throws: HTTPClientError.answerTooLarge) {
                try await client.send(HTTPRequest(.get, url, most: 4_999))
            }
            let response = try await client.send(HTTPRequest(.get, url, most: 5_000))
            #expect(response.body.count == 5_000)
        }
    }

    @Test("Who takes the body and wants no more of it ends the transfer; so does a body that is too large for them")
    func stopped() async throws {
        try await withServer { _ in
            Answer(body: [UInt8](repeating: 1, count: 5_000))
        } _: { url in
            for (most, wanted, error) in [(9_999, false, HTTPClientError.stopped), (999, true, .answerTooLarge)] {
                await #expect(throws: error) {
                    try await CurlClient().send(HTTPRequest(.get, url, most: most), receiver: { _, _ in wanted })
                }
            }
        }
    }

    @Test("Unless it is told otherwise a connection has a second and an answer two")
    func limits() {
        let request = HTTPRequest(.get, "http://127.0.0.1:9/")
        #expect(request.connectTimeout == .seconds(1) && request.timeout == .seconds(2))
        #expect(request.most == 4_096 && request.stall == nil && request.deadline == nil)
    }

    @Test("A server that stays silent is left at the deadline, or at once when the waiter is cancelled")
    func silent() async throws {
        let (arrived, continuation) = AsyncStream<Void>.makeStream()
        try await withServer { _ in
            continuation.yield()
            // Longer than anybody here waits; it ends with the server.
            try? await Task.sleep(for: .seconds(600))
            return Answer()
        } _: { url in
            await #expect(throws: HTTPClientError.timedOut) {
                try await client.send(HTTPRequest(.get, url, timeout: .milliseconds(100)))
            }
            let waiter = Task { [client] () async -> HTTPClientError? in
                do throws(HTTPClientError) {
                    _ = try await client.send(HTTPRequest(.get, url, timeout: .seconds(600)))
                    return nil
                } catch {
                    return error
                }
            }
            var count = 0
            for await _ in arrived {
                count += 1
                if count == 2 { break }
            }
            waiter.cancel()
            #expect(await waiter.value == .cancelled)
        }
    }

    @Test("Nobody listens; no such scheme; no URL")
    func unusable() async {
        await #expect(throws: HTTPClientError.network(7)) {
            try await client.send(HTTPRequest(.get, "http://127.0.0.1:1/"))
        }
        for url in ["ftp://127.0.0.1/", "file:///etc/passwd", "http://"] {
            await #expect(throws: HTTPClientError.self) { try await client.send(HTTPRequest(.get, url)) }
        }
    }
}
