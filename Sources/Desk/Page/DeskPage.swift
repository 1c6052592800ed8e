internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Synchronization

/// The staff's display: a page on this machine that shows who stands at the counter, as it happens. No pseudonym ever
/// goes to it.
package actor DeskPage {
    private let counter: Counter
    private let server: HTTPServer
    private let now: @Sendable () -> ContinuousClock.Instant
    private var running: Task<Void, any Error>?
    private var clearing: Task<Void, Never>?
    /// What a browser on this machine calls us: a name from elsewhere that leads here is not answered.
    private var hosts: Set<String> = []

    /// - Parameter port: 0 takes a free one.
    package init(
        counter: Counter, port: UInt16 = 0, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws {
        (self.counter, self.now) = (counter, now)
        server = try HTTPServer.listening(on: "127.0.0.1", port: port)
    }

    /// Listens; the port that it got.
    package func start() async throws -> UInt16 {
        for (path, type, bytes) in [
            ("/", "text/html; charset=utf-8", PackageResources.index_html),
            ("/page.css", "text/css; charset=utf-8", PackageResources.page_css),
            ("/page.js", "text/javascript; charset=utf-8", PackageResources.page_js),
        ] {
            await route(HTTPRoute("GET \(path)")) { _ in Self.response(.ok, type, Data(bytes)) }
        }
        await route("GET /stream") { [counter] _ in
            HTTPResponse(
                statusCode: .ok,
                headers: [.contentType: "text/event-stream", HTTPHeader("Cache-Control"): "no-store"],
                body: HTTPBodySequence(from: PresenceEvents(counter.presences())))
        }
        await route("POST /register") { [counter] request in
            guard let body = try await Self.json(Registration.self, of: request), let record = body.record else {
                return HTTPResponse(statusCode: .badRequest)
            }
            let isStored = try await counter.register(record, number: body.number)
            return HTTPResponse(statusCode: isStored ? .noContent : .notFound)
        }
        await route("POST /hold") { [counter] request in
            guard let body = try await Self.json(Hold.self, of: request) else {
                return HTTPResponse(statusCode: .badRequest)
            }
            counter.hold(body.number)
            return HTTPResponse(statusCode: .noContent)
        }
        running = Task { [server] in try await server.run() }
        let port = try await server.port()
        hosts = ["127.0.0.1:\(port)", "localhost:\(port)"]
        clearing = Task { [counter, now] in
            while (try? await Task.sleep(for: .seconds(1))) != nil { counter.clearStale(now: now()) }
        }
        return port
    }

    package func stop() async {
        clearing?.cancel()
        await server.stop(timeout: 0)
        running?.cancel()
    }

    private func route(
        _ route: HTTPRoute, _ body: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) async {
        await server.appendRoute(route) { [weak self] request in
            guard let self, await self.isOurs(request) else { return HTTPResponse(statusCode: .forbidden) }
            return try await body(request)
        }
    }

    /// A page of another origin neither reads what is shown here nor registers anybody.
    private func isOurs(_ request: HTTPRequest) -> Bool {
        guard let host = request.headers[.host], hosts.contains(host) else { return false }
        return request.headers[HTTPHeader("Origin")].map { $0 == "http://\(host)" } ?? true
    }

    private static func response(_ status: HTTPStatusCode, _ type: String, _ body: Data) -> HTTPResponse {
        HTTPResponse(
            statusCode: status,
            headers: [
                .contentType: type, HTTPHeader("Cache-Control"): "no-store",
                HTTPHeader("Content-Security-Policy"):
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
                    + "form-action 'none'; frame-ancestors 'none'",
                HTTPHeader("X-Content-Type-Options"): "nosniff", HTTPHeader("Referrer-Policy"): "no-referrer",
            ],
            body: body)
    }

    /// The body of a request of ours; nil for anything else. A form of another page can't send JSON unasked.
    private static func json<Body: Decodable>(_ type: Body.Type, of request: HTTPRequest) async throws -> Body? {
        guard request.headers[.contentType] == "application/json", let bytes = try await request.bytes(most: 4_096)
        else { return nil }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }

    private struct Hold: Decodable { let number: Int }

    private struct Registration: Decodable {
        let number: Int
        let card_number, display_name, notes: String

        var record: PatronRecord? {
            let (card, name) = (
                card_number.trimmingCharacters(in: .whitespaces), display_name.trimmingCharacters(in: .whitespaces)
            )
            guard !card.isEmpty, !name.isEmpty, card.utf8.count <= 64, name.utf8.count <= 400, notes.utf8.count <= 800
            else { return nil }
            return PatronRecord(cardNumber: card, displayName: name, notes: notes)
        }
    }
}

/// Who stands at the counter, as server-sent events; a comment now and then, so that a browser that went away is found. A
/// browser that does not read for a while gets the newest state, and no comment ever takes its place.
struct PresenceEvents: AsyncBufferedSequence {
    typealias Element = UInt8
    private let waiting: Waiting
    private let feeding: Feeding

    /// Feeds what waits, until nobody is left to read it: the server drops what it sends when the browser is gone.
    fileprivate final class Feeding: Sendable {
        private let tasks: [Task<Void, Never>]

        init(_ tasks: Task<Void, Never>...) { self.tasks = tasks }
        deinit { tasks.forEach { $0.cancel() } }
    }

    /// What the browser is to be sent next.
    fileprivate final class Waiting: Sendable {
        private struct State {
            var presented: Presented??
            var isPulseDue = false
        }
        private let state = Mutex(State())
        let bell: AsyncStream<Void>
        private let ring: AsyncStream<Void>.Continuation

        init() { (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

        func put(_ presented: Presented?) {
            state.withLock { $0.presented = .some(presented) }
            ring.yield()
        }

        func pulse() {
            state.withLock { $0.isPulseDue = true }
            ring.yield()
        }

        func finish() { ring.finish() }

        func take() -> String? {
            state.withLock { state in
                defer { state = State() }
                if let presented = state.presented { return "data: \(PresenceEvents.json(presented))\n\n" }
                return state.isPulseDue ? ": here\n\n" : nil
            }
        }
    }

    init(_ presences: AsyncStream<Presented?>, pulse: Duration = .seconds(15)) {
        let waiting = Waiting()
        let events = Task {
            for await presented in presences { waiting.put(presented) }
            waiting.finish()
        }
        let pulses = Task {
            while (try? await Task.sleep(for: pulse)) != nil { waiting.pulse() }
        }
        (self.waiting, feeding) = (waiting, Feeding(events, pulses))
    }

    func makeAsyncIterator() -> Iterator { Iterator(waiting, feeding) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        private let waiting: Waiting
        private let feeding: Feeding
        private var bell: AsyncStream<Void>.Iterator

        fileprivate init(_ waiting: Waiting, _ feeding: Feeding) {
            (self.waiting, self.feeding, bell) = (waiting, feeding, waiting.bell.makeAsyncIterator())
        }

        mutating func next() async throws -> UInt8? { nil }
        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
            while await bell.next(isolation: #isolation) != nil {
                if let text = waiting.take() { return Array(text.utf8) }
            }
            return nil
        }
    }

    private struct Wire: Encodable {
        struct System: Encodable {
            let failed, valid: Bool
            let name, message: String
        }
        let number: Int
        let standing, kiosk: String
        var card, name, notes, elsewhere: String?
        var system: System?
    }

    static func json(_ presented: Presented?) -> String {
        guard let presented else { return "null" }
        let (standing, record): (String, PatronRecord?) =
            switch presented.standing {
            case .known(let record): ("known", record)
            case .elsewhere(let record): ("elsewhere", record)
            case .unknown: ("unknown", nil)
            }
        var wire = Wire(number: presented.number, standing: standing, kiosk: presented.kiosk)
        (wire.card, wire.name) = (presented.cardNumber, record?.displayName)
        (wire.notes, wire.elsewhere) = (record?.notes, record?.elsewhere)
        switch presented.system {
        case .answered(let information):
            wire.system = Wire.System(
                failed: false, valid: information.isValid ?? !information.isChargingDenied, name: information.name,
                message: information.screenMessage)
        case .failed: wire.system = Wire.System(failed: true, valid: false, name: "", message: "")
        case nil: break
        }
        // JSON has no line feed in it: one event, one line.
        return (try? JSONEncoder().encode(wire)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}

extension HTTPServer {
    fileprivate static func listening(on address: String, port: UInt16) throws -> HTTPServer {
        HTTPServer(address: try sockaddr_in.inet(ip4: address, port: port), timeout: 30, logger: .disabled)
    }

    /// The port that it got, once it listens.
    fileprivate func port() async throws -> UInt16 {
        try await waitUntilListening(timeout: 60)
        switch listeningAddress {
        case .ip4(_, let port), .ip6(_, let port): return port
        case .unix, nil: return 0
        }
    }
}

extension HTTPRequest {
    /// The body; nil when it is longer than `most`.
    fileprivate func bytes(most: Int) async throws -> [UInt8]? {
        var bytes: [UInt8] = []
        for try await piece in bodySequence {
            // What is left of it is read all the same: the connection goes on behind it.
            bytes += piece.prefix(most + 1 - bytes.count)
        }
        return bytes.count > most ? nil : bytes
    }
}
