import Dispatch
import Foundation
import Glibc
@testable import HTTPClient
import Synchronization
import Testing

/// A name service that answers as a test says, and counts the questions.
private final class NameService: Sendable {
    private let script: Mutex<[String: [String]]>
    private let silence: [String: DispatchSemaphore]
    private let questions = Mutex<[String]>([])
    var asked: [String] { questions.withLock { $0 } }

    /// - Parameter silent: what is not answered before `speak`.
    init(_ script: [String: [String]], silent: [String] = []) {
        self.script = Mutex(script)
        silence = Dictionary(silent.map { ($0, DispatchSemaphore(value: 0)) }) { first, _ in first }
    }

    func speak(of host: String) { silence[host]?.signal() }

    func set(_ host: String, _ addresses: [String]) { script.withLock { $0[host] = addresses } }

    func answer(_ host: String) -> [HostAddress] {
        questions.withLock { $0.append(host) }
        silence[host]?.wait()
        return script.withLock { $0[host] ?? [] }.flatMap { HostAddress.lookUp($0) }
    }

    func resolver(life: Duration = .seconds(60)) -> HostResolver { HostResolver(life: life) { self.answer($0) } }
}

@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
    private func url(_ host: String, like url: String) -> String { url.replacing("127.0.0.1", with: host) }

    @Test("A name service that is silent about one host holds up no other request of the client")
    func silent() async throws {
        let names = NameService(["ils.example": ["127.0.0.1"]], silent: ["silent.example"])
        let client = CurlClient(resolver: names.resolver())
        let waiting = Task {
            try await client.send(
                HTTPRequest(.get, "http://silent.example:9/", connectTimeout: .seconds(600), timeout: .seconds(600)))
        }
        while names.asked.isEmpty { await Task.yield() }
        try await withServer { _ in
            Answer(status: 202)
        } _: { url in
            for host in ["ils.example", "127.0.0.1"] {
                try await client.expect202(HTTPRequest(.get, self.url(host, like: url)))
            }
        }
        // Whoever waits can leave; and the time to connect is the name service's, too.
        waiting.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await waiting.value }
        await #expect(throws: HTTPClientError.timedOut) {
            try await client.send(
                HTTPRequest(.get, "http://silent.example:9/", connectTimeout: .milliseconds(50), timeout: .seconds(600))
            )
        }
        #expect(names.asked.filter { $0 == "silent.example" }.count == 1, "one question at a time")
        names.speak(of: "silent.example")
    }

    @Test("A name that takes longer than one attempt is there for a later one, and is kept when the name service fails")
    func slow() async throws {
        let names = NameService(["slow.example": ["127.0.0.1"]], silent: ["slow.example"])
        // Old at once: each request asks anew.
        let client = CurlClient(resolver: names.resolver(life: .zero))
        try await withServer { _ in
            Answer(status: 202)
        } _: { url in
            let url = self.url("slow.example", like: url)
            await #expect(throws: HTTPClientError.timedOut) {
                try await client.send(HTTPRequest(.get, url, connectTimeout: .milliseconds(20)))
            }
            names.speak(of: "slow.example")
            try await client.expect202(HTTPRequest(.get, url, timeout: .seconds(30)))
            // Silent again, and then without an answer: what it said is used.
            try await client.expect202(HTTPRequest(.get, url, timeout: .seconds(30)))
            names.set("slow.example", [])
            names.speak(of: "slow.example")
            while names.asked.count < 3 {
                try await client.expect202(HTTPRequest(.get, url, timeout: .seconds(30)))
            }
            names.speak(of: "slow.example")
        }
    }

    @Test("What was answered is not asked for again while it is fresh")
    func fresh() async {
        let names = NameService(["ils.example": ["127.0.0.1"]])
        let resolver = names.resolver()
        for _ in 0..<3 { #expect(await resolver.addresses(of: "ils.example", until: .now + .seconds(30))?.count == 1) }
        #expect(resolver.known("ils.example").count == 1 && names.asked == ["ils.example"])
    }

    @Test("What is found out ahead: where a host is, that nobody knows it, or that there is no answer yet")
    func ahead() async {
        let names = NameService(["ils.example": ["127.0.0.1"]], silent: ["silent.example"])
        let client = CurlClient(resolver: names.resolver())
        for host in ["ils.example", "nobody.example", "127.0.0.1"] {
            #expect(await client.find("http://\(host)/", until: .now + .seconds(50)), "\(host)")
        }
        #expect(await !client.find("http://silent.example/", until: .now + .milliseconds(20)))
        names.speak(of: "silent.example")
    }

    @Test("An address that holds on one link only has no figures for a URL")
    func oneLink() {
        #expect(HostAddress.lookUp("fe80::1%lo").map(\.text) == [nil])
        #expect(HostAddress.lookUp("2001:db8::1").map(\.text) == ["2001:db8::1"])
    }

    @Test("The host moves to another address, and is found there")
    func moved() async throws {
        let names = NameService(["ils.example": ["127.0.0.2"]])
        let client = CurlClient(resolver: names.resolver(life: .zero))
        try await withServer { _ in
            Answer(status: 202)
        } _: { url in
            let url = self.url("ils.example", like: url)
            await #expect(throws: HTTPClientError.network(7)) { try await client.send(HTTPRequest(.get, url)) }
            names.set("ils.example", ["127.0.0.1"])
            while (try? await client.send(HTTPRequest(.get, url)))?.status != 202 { await Task.yield() }
        }
    }

    @Test(
        "Several addresses of both families are tried; a last dot and capital letters are the same name",
        arguments: ["ils.example", "ils.example.", "ILS.example"])
    func several(host: String) async throws {
        let names = NameService(["ils.example": ["::1", "127.0.0.2", "127.0.0.1"]])
        let client = CurlClient(resolver: names.resolver())
        try await withServer { _ in
            Answer(status: 202)
        } _: { url in
            try await client.expect202(HTTPRequest(.get, self.url(host, like: url)))
        }
        #expect(names.asked == ["ils.example"])
    }

    @Test("Nobody is asked about figures and about this machine", arguments: ["127.0.0.1", "localhost", "LOCALHOST."])
    func noQuestion(host: String) async throws {
        let names = NameService([:])
        let client = CurlClient(resolver: names.resolver())
        try await withServer { _ in
            Answer(status: 202)
        } _: { url in
            try await client.expect202(HTTPRequest(.get, self.url(host, like: url)))
        }
        await #expect(throws: HTTPClientError.network(7)) {
            try await client.send(HTTPRequest(.get, "http://[::1]:1/"))
        }
        #expect(names.asked.isEmpty)
    }

    @Test("A name that nobody knows is told as libcurl tells it (6), and libcurl is not asked to look itself")
    func unknown() async {
        // Every machine's own files know the second one.
        for host in ["nobody.example", "ip6-localhost"] {
            let client = CurlClient(resolver: NameService([:]).resolver())
            await #expect(throws: HTTPClientError.network(6)) {
                try await client.send(HTTPRequest(.get, "http://\(host):1/"))
            }
        }
    }
}

extension CurlClient {
    func expect202(
        _ request: HTTPRequest, leaving: @escaping @Sendable () -> Bool = { true },
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let response = try await send(request, leaving: leaving)
        #expect(response.status == 202, sourceLocation: sourceLocation)
    }
}
