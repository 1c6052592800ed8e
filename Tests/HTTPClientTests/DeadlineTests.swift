import Dispatch
import Glibc
import HTTPClient
import Synchronization
import TestRig
import Testing

/// What is late does not leave, and does not count: shown with a receiver that holds libcurl's thread.
@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
    /// Runs `body` while the client's thread is held; `release` lets it go.
    private func withHeldThread(
        of client: CurlClient, _ body: (_ release: () -> Void) async throws -> Void
    ) async throws {
        let (held, arrived) = AsyncStream<Void>.makeStream()
        let release = DispatchSemaphore(value: 0)
        try await withServer { _ in
            Answer(body: [1])
        } _: { url in
            let holding = Task {
                try await client.send(HTTPRequest(.get, url, timeout: .seconds(60))) { _, _ in
                    arrived.yield()
                    release.wait()
                    return true
                }
            }
            for await _ in held { break }
            try await body { release.signal() }
            #expect(try await holding.value.status == 200)
        }
    }

    @Test("A request whose deadline passes before its turn never leaves")
    func neverLeaves() async throws {
        let client = CurlClient()
        let requests = Mutex(0)
        try await withServer { _ in
            requests.withLock { $0 += 1 }
            return Answer(status: 202)
        } _: { url in
            try await withHeldThread(of: client) { release in
                let deadline = ContinuousClock.now + .milliseconds(50)
                let late = Task {
                    var request = HTTPRequest(.post, url, timeout: .seconds(60))
                    request.deadline = deadline
                    return try await client.send(request)
                }
                try await Task.sleep(until: deadline + .milliseconds(1), clock: .continuous)
                release()
                await #expect(throws: HTTPClientError.timedOut) { try await late.value }
            }
        }
        #expect(requests.withLock { $0 } == 0)
    }

    @Test("An answer that is read after the deadline is none, though it came before")
    func lateAnswer() async throws {
        let client = CurlClient()
        let (held, arrived) = AsyncStream<Void>.makeStream()
        let release = DispatchSemaphore(value: 0)
        let (chunk, answer) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let holdingServer = try ScriptedServer { _ in
            chunk.wait()
            return .init("200 OK", body: [1])
        }
        let (asked, wasAsked) = AsyncStream<Void>.makeStream()
        let answering = try ScriptedServer { _ in
            wasAsked.yield()
            answer.wait()
            return .init("202 Accepted")
        }
        let holding = Task {
            try await client.send(HTTPRequest(.get, holdingServer.url(""), timeout: .seconds(60))) { _, _ in
                arrived.yield()
                release.wait()
                return true
            }
        }
        while holdingServer.requests.isEmpty { await Task.yield() }
        let deadline = ContinuousClock.now + .seconds(2)
        let late = Task {
            var request = HTTPRequest(.post, answering.url(""), timeout: .seconds(60))
            request.deadline = deadline
            return try await client.send(request)
        }
        for await _ in asked { break }
        // libcurl's thread is held first, and finds the answer when it is let go.
        chunk.signal()
        for await _ in held { break }
        answer.signal()
        try await Task.sleep(until: deadline + .milliseconds(1), clock: .continuous)
        release.signal()
        await #expect(throws: HTTPClientError.timedOut) { try await late.value }
        _ = try await holding.value
        holdingServer.stop()
        answering.stop()
    }

    @Test("Whoever is asked at the last moment can still keep a request from leaving")
    func kept() async throws {
        let requests = Mutex(0)
        try await withServer { _ in
            requests.withLock { $0 += 1 }
            return Answer(status: 202)
        } _: { url in
            let client = CurlClient()
            await #expect(throws: HTTPClientError.cancelled) {
                try await client.send(HTTPRequest(.post, url), leaving: { false })
            }
            #expect(requests.withLock { $0 } == 0)
            try await client.expect202(HTTPRequest(.post, url), leaving: { true })
        }
    }

    @Test("A body that does not count is cut off where it is too large; the answer stands")
    func cut() async throws {
        try await withServer { received in
            Answer(status: received.method == "POST" ? 202 : 400, body: [UInt8](repeating: 1, count: 50_000))
        } _: { url in
            var request = HTTPRequest(.post, url)
            request.bodyCounts = [400]
            try await CurlClient().expect202(request)
            request.method = .get
            let counts = request
            await #expect(throws: HTTPClientError.answerTooLarge) { try await CurlClient().send(counts) }
        }
    }

    @Test("What the kernel holds of a request that was given up does not leave any more")
    func nothingFollows() async throws {
        let (listener, port) = try LoopbackSocket.bound(SOCK_STREAM)
        defer { close(listener) }
        // Whoever listens takes little, and reads nothing before the request was given up.
        var room: Int32 = 4_096
        setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        #expect(listen(listener, 1) == 0)
        var request = HTTPRequest(
            .post, "http://127.0.0.1:\(port)/", body: [UInt8](repeating: 1, count: 8 << 20), timeout: .seconds(60))
        request.deadline = .now + .seconds(1)
        let given = request
        await #expect(throws: HTTPClientError.timedOut) { try await CurlClient().send(given) }
        let connection = accept(listener, nil, nil)
        defer { close(connection) }
        // It is given up by the engine's own thread, a moment after whoever waited for it has left.
        var end = pollfd(fd: connection, events: 0, revents: 0)
        #expect(poll(&end, 1, 20_000) == 1, "it goes on")
        var held: Int32 = 0
        #expect(ioctl(connection, UInt(FIONREAD), &held) == 0 && held > 0)
        var (buffer, taken) = ([UInt8](repeating: 0, count: 64 * 1_024), 0)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            taken += count
        }
        #expect(taken <= Int(held), "\(taken) bytes came, \(held) had come when it was given up")
    }
}
