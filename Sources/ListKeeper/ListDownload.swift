internal import Certificates
internal import Clock
package import Files
package import HTTPClient
package import Revocation
internal import Synchronization

/// Fetches lists by HTTP or HTTPS straight into an intake: no copy of them is kept. A transfer that breaks goes on where it
/// broke, as long as the server says that the list is still the same one.
package struct ListDownload: Sendable {
    /// What tells one version of the list from another (RFC 9110 8.8).
    package struct Validators: Codable, Equatable, Sendable {
        package var etag: String?
        package var lastModified: String?

        package init(etag: String? = nil, lastModified: String? = nil) {
            (self.etag, self.lastModified) = (etag, lastModified)
        }

        /// What `If-Range` may carry: a strong one (RFC 9110 13.1.5).
        fileprivate var strong: String? { etag.flatMap { $0.hasPrefix("W/") ? nil : $0 } }
    }

    package enum Result: Sendable {
        case unchanged
        /// All of them were handed over.
        case lists(Validators)
    }

    package enum Failure: Error, Sendable {
        case transfer(HTTPClientError)
        case status(Int, retryAfter: Int?)
    }

    package var limits = Limits()

    package struct Limits: Sendable {
        /// Bytes of a list; the design's stress point has 490 MB.
        package var most = 1 << 30
        package var whole = Duration.seconds(2 * 3_600)
        /// Without a thousand bytes a second for so long the transfer is broken.
        package var stall = Duration.seconds(60)
        /// A break is mended so often, each time with a longer pause.
        package var mends = 5
        package var firstPause = Duration.seconds(1)
        package init() {}
    }

    private let client: CurlClient
    private let scratch: ScratchFolder

    package init(client: CurlClient, scratch: ScratchFolder) { (self.client, self.scratch) = (client, scratch) }

    /// - Parameters:
    ///   - known: of the version that is served: the answer may be `unchanged`.
    ///   - progress: told of the bytes so far, and of all where that is known.
    ///   - restart: told when the lists come from their beginning again, because another version is served now.
    ///   - each: told of each list at its end, on the transfer's thread; what it throws ends the transfer.
    /// - Throws: `Failure`, `RevocationError`, what `each` throws, `CancellationError`.
    package func run(
        _ url: String, known: Validators = Validators(),
        progress: @escaping @Sendable (_ taken: Int, _ of: Int?) -> Void = { _, _ in },
        restart: @escaping @Sendable () -> Void = {}, each: @escaping ListIntake.Consumer
    ) async throws -> Result {
        let sink = ListSink(scratch: scratch, progress: progress, restart: restart, each: each)
        var backoff = Backoff(first: limits.firstPause, longest: .seconds(60))
        while true {
            let condition = condition(known, sink)
            sink.expect(condition)
            do {
                let response = try await client.send(request(url, condition)) { sink.take($0, $1) }
                switch (response.status, condition) {
                case (200, _), (206, .rest):
                    try sink.finish()
                    return .lists(Validators(of: response))
                case (304, .newer): return .unchanged
                // Also a 304 or a 206 that nobody asked for: it says nothing of what is served.
                // safe: nil where it is no number
                default: throw Failure.status(response.status, retryAfter: Int(response.headers["retry-after"] ?? ""))
                }
            } catch let error as HTTPClientError {
                if let refused = sink.error { throw refused }
                if error == .cancelled { throw CancellationError() }
                let canMend = error.isBreak && sink.validators?.strong != nil
                guard canMend, sink.taken > 0, backoff.failures < limits.mends else {
                    throw Failure.transfer(error)
                }
                try await Task.sleep(for: backoff.failed())
            }
        }
    }

    /// What a request asks for: the whole, the rest of it (RFC 9110 14.2), or the whole unless it is the same (13.1).
    fileprivate enum Condition {
        case none
        case rest(from: Int, of: String)
        case newer(header: String)
    }

    private func condition(_ known: Validators, _ sink: ListSink) -> Condition {
        if sink.taken > 0, let strong = sink.validators?.strong { return .rest(from: sink.taken, of: strong) }
        if let etag = known.etag { return .newer(header: "If-None-Match: \(etag)") }
        return known.lastModified.map { .newer(header: "If-Modified-Since: \($0)") } ?? .none
    }

    private func request(_ url: String, _ condition: Condition) -> HTTPRequest {
        let headers: [String] =
            switch condition {
            case .none: []
            case .rest(let start, let validator): ["Range: bytes=\(start)-", "If-Range: \(validator)"]
            case .newer(let header): [header]
            }
        return HTTPRequest(
            .get, url, headers: headers, connectTimeout: .seconds(15), timeout: limits.whole, stall: limits.stall,
            most: limits.most)
    }
}

extension ListDownload.Validators {
    fileprivate init(of response: HTTPResponse) {
        self.init(etag: response.headers["etag"], lastModified: response.headers["last-modified"])
    }
}

/// Where the bytes go: libcurl's thread hands them over, the fetching task asks for the result.
private final class ListSink: Sendable {
    private struct State: ~Copyable, Sendable {
        var intake: ListIntake?
        var taken = 0
        var validators: ListDownload.Validators?
        var error: (any Error)?
        var hasBegun = false
        var condition = ListDownload.Condition.none
    }
    private let state = Mutex(State())
    private let scratch: ScratchFolder
    private let progress: @Sendable (Int, Int?) -> Void
    private let restart: @Sendable () -> Void
    private let each: ListIntake.Consumer

    init(
        scratch: ScratchFolder, progress: @escaping @Sendable (Int, Int?) -> Void,
        restart: @escaping @Sendable () -> Void, each: @escaping ListIntake.Consumer
    ) {
        (self.scratch, self.progress, self.restart, self.each) = (scratch, progress, restart, each)
    }

    var taken: Int { state.withLock { $0.taken } }
    var validators: ListDownload.Validators? { state.withLock { $0.validators } }
    var error: (any Error)? { state.withLock { $0.error } }

    /// - Returns: false to end the transfer.
    func take(_ head: HTTPResponse, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let told = state.withLock { state -> Progress? in
            do {
                if !state.hasBegun { try begin(&state, head) }
                guard head.status == 200 || head.status == 206 else { return Progress(taken: 0, expected: nil) }
                try state.intake?.take(bytes)
                state.taken += bytes.count
                return Progress(taken: state.taken, expected: state.intake?.expected)
            } catch {
                state.error = error
                return nil
            }
        }
        guard let told else { return false }
        if told.taken > 0 { progress(told.taken, told.expected) }
        return true
    }

    private struct Progress {
        let taken: Int
        let expected: Int?
    }

    /// An answer's first bytes: the whole list anew, or what was missing of it.
    private func begin(_ state: inout State, _ head: HTTPResponse) throws {
        state.hasBegun = true
        switch head.status {
        case 200:
            if state.taken > 0 { restart() }
            state.intake = ListIntake(scratch: scratch, each: each)
            (state.taken, state.validators) = (0, ListDownload.Validators(of: head))
        case 206:
            guard case .rest = state.condition else { throw ListDownload.Failure.status(206, retryAfter: nil) }
            guard head.headers["content-range"]?.hasPrefix("bytes \(state.taken)-") == true else {
                throw RevocationError(.crlUnusable, "the server answered with another part of the list")
            }
        // Words about a failure.
        default: break
        }
    }

    /// A request is sent: its answer begins with its first bytes.
    func expect(_ condition: ListDownload.Condition) {
        state.withLock { ($0.hasBegun, $0.condition) = (false, condition) }
    }

    func finish() throws(RevocationError) {
        guard let intake = state.withLock({ $0.intake.take() }) else {
            throw RevocationError(.crlUnusable, "the answer was empty")
        }
        try intake.finish()
    }
}

extension HTTPClientError {
    /// The connection broke or stood still: the rest may still come.
    fileprivate var isBreak: Bool {
        switch self {
        case .network, .timedOut: true
        case .unusableRequest, .answerTooLarge, .cancelled, .stopped: false
        }
    }
}
