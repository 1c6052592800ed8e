internal import CCurl
internal import CLinux
internal import Glibc
internal import Synchronization

/// libcurl's multi interface on one thread. Connections stay warm between requests. It ends when it is released.
package final class CurlClient: Sendable {
    private let engine: Engine

    package init() {
        engine = Engine()
        engine.start()
    }

    deinit { engine.stop() }

    /// Takes an answer's body as it arrives, on the client's thread: status and headers, without the body, and the next
    /// bytes. False ends the transfer with `stopped`.
    package typealias BodyReceiver = @Sendable (HTTPResponse, UnsafeRawBufferPointer) -> Bool

    /// Sends `request` and waits for the whole answer; a cancelled task leaves at once.
    /// - Parameter receiver: takes the body instead of the answer. Other requests of this client wait while it works: a
    ///   client that serves taps is none to download with.
    package func send(_ request: HTTPRequest, receiver: BodyReceiver? = nil) async throws(HTTPClientError)
        -> HTTPResponse
    {
        let transfer = try Transfer(request, receiver: receiver)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.wait(continuation)
                engine.add(transfer)
            }
        } onCancel: {
            engine.cancel(transfer)
        }
        return try result.get()
    }
}

private final class Engine: Sendable {
    private struct State {
        var added: [Transfer] = []
        var cancelled: [Transfer] = []
        var stopped = false
    }
    private let state = Mutex(State())
    private nonisolated(unsafe) let multi: OpaquePointer?
    private static let setUp: Void = { curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()

    init() {
        Self.setUp
        multi = curl_multi_init().map { OpaquePointer($0) }
    }

    private var handle: UnsafeMutableRawPointer? { multi.map { UnsafeMutableRawPointer($0) } }

    func start() {
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                kz_name_this_thread("http")
                Unmanaged<Engine>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, me.toOpaque())
        precondition(status == 0, "no thread to be had")
        pthread_detach(thread)
    }

    func add(_ transfer: Transfer) { change { $0.added.append(transfer) } }
    func cancel(_ transfer: Transfer) { change { $0.cancelled.append(transfer) } }
    func stop() { change { $0.stopped = true } }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        curl_multi_wakeup(handle)
    }

    private func run() {
        var running: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (added, cancelled, stopped) = state.withLock { state in
                defer { (state.added, state.cancelled) = ([], []) }
                return (state.added, state.cancelled, state.stopped)
            }
            for transfer in added {
                running[transfer.easy] = transfer
                curl_multi_add_handle(handle, transfer.easy)
            }
            // A request may be cancelled before or after it was added; either way it is in `running` by now, or done.
            for transfer in cancelled where running.removeValue(forKey: transfer.easy) != nil {
                curl_multi_remove_handle(handle, transfer.easy)
                transfer.finish(.failure(.cancelled))
            }
            if stopped { break }
            var count: Int32 = 0
            curl_multi_perform(handle, &count)
            var result = CURLE_OK
            while let easy = kz_next_finished(handle, &result) {
                curl_multi_remove_handle(handle, easy)
                running.removeValue(forKey: easy)?.finish(with: result)
            }
            curl_multi_poll(handle, nil, 0, 60_000, nil)
        }
        for transfer in running.values {
            curl_multi_remove_handle(handle, transfer.easy)
            transfer.finish(.failure(.cancelled))
        }
        curl_multi_cleanup(handle)
    }
}

/// One request on its way. libcurl calls into it on the engine's thread only.
private final class Transfer: @unchecked Sendable {
    // What libcurl touches (`easy`, `received`, `head`) is used by one thread at a time: by the caller until `add`, by
    // the engine's thread from then on.
    let easy: UnsafeMutableRawPointer
    private let headers: UnsafeMutablePointer<curl_slist>?
    private let body: UnsafeMutableBufferPointer<UInt8>
    private let most: Int
    private var received: [UInt8] = []
    private var head: [String: String] = [:]
    private var isTooLarge = false
    private let receiver: CurlClient.BodyReceiver?
    private var handedOver = 0
    private var isStopped = false
    private let continuation = Mutex<CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>?>(nil)

    init(_ request: HTTPRequest, receiver: CurlClient.BodyReceiver?) throws(HTTPClientError) {
        guard let easy = curl_easy_init() else { throw .unusableRequest }
        self.easy = easy
        self.receiver = receiver
        most = request.most
        var list: UnsafeMutablePointer<curl_slist>?
        // No `Expect: 100-continue`: it would cost a round trip.
        for header in request.headers + ["Expect:"] { list = curl_slist_append(list, header) }
        headers = list
        body = .allocate(capacity: max(1, request.body.count))
        _ = body.initialize(from: request.body)
        try set(request)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        // The body may be somebody's token.
        body.update(repeating: 0)
        body.deallocate()
    }

    private func set(_ request: HTTPRequest) throws(HTTPClientError) {
        func milliseconds(_ duration: Duration) -> Int {
            let (seconds, attoseconds) = duration.components
            return max(1, Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
        }
        var results: [CURLcode] = [
            kz_set_string(easy, CURLOPT_URL, request.url),
            kz_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            kz_set_string(easy, CURLOPT_PROXY, ""),
            kz_set_long(easy, CURLOPT_NOSIGNAL, 1),
            kz_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
            kz_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connectTimeout)),
            kz_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout)),
            kz_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            kz_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            kz_set_long(easy, CURLOPT_MAXAGE_CONN, 3_600),
            kz_set_pointer(easy, CURLOPT_HTTPHEADER, headers),
            kz_set_data_callback(easy, CURLOPT_WRITEFUNCTION, bodyCallback),
            kz_set_pointer(easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self).toOpaque()),
            kz_set_data_callback(easy, CURLOPT_HEADERFUNCTION, headerCallback),
            kz_set_pointer(easy, CURLOPT_HEADERDATA, Unmanaged.passUnretained(self).toOpaque()),
        ]
        if let stall = request.stall {
            results.append(kz_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1_000))
            results.append(kz_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(stall.components.seconds))))
        }
        switch request.method {
        case .get: break
        case .options: results.append(kz_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue))
        case .post:
            results.append(kz_set_long(easy, CURLOPT_POST, 1))
            results.append(kz_set_large(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int(request.body.count)))
            results.append(kz_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress))
        }
        for (option, file) in [
            (CURLOPT_CAINFO, request.tls.authorities), (CURLOPT_SSLCERT, request.tls.clientCertificate),
            (CURLOPT_SSLKEY, request.tls.clientKey),
        ] {
            if let file { results.append(kz_set_string(easy, option, file)) }
        }
        guard results.allSatisfy({ $0 == CURLE_OK }) else { throw .unusableRequest }
    }

    func wait(_ continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>) {
        self.continuation.withLock { $0 = continuation }
    }

    func finish(_ result: Result<HTTPResponse, HTTPClientError>) {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(returning: result)
    }

    func finish(with code: CURLcode) {
        switch code {
        case CURLE_OK: finish(.success(response))
        case CURLE_OPERATION_TIMEDOUT: finish(.failure(.timedOut))
        case CURLE_WRITE_ERROR where isTooLarge: finish(.failure(.answerTooLarge))
        case CURLE_WRITE_ERROR where isStopped: finish(.failure(.stopped))
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: finish(.failure(.unusableRequest))
        default: finish(.failure(.network(Int32(bitPattern: code.rawValue))))
        }
    }

    private var response: HTTPResponse {
        var status = 0
        kz_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        return HTTPResponse(status: status, headers: head, body: received)
    }

    func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        if let receiver {
            handedOver += bytes.count
            isTooLarge = handedOver > most
            isStopped = !isTooLarge && !receiver(response, UnsafeRawBufferPointer(bytes))
            return isTooLarge || isStopped ? 0 : bytes.count
        }
        guard received.count + bytes.count <= most else {
            isTooLarge = true
            return 0
        }
        received += bytes
        return bytes.count
    }

    func receiveHeader(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let line = String(decoding: bytes, as: UTF8.self)
        // A status line starts a new set of headers (after a 100, say).
        if line.hasPrefix("HTTP/") { head = [:] }
        guard head.count < 64, let colon = line.firstIndex(of: ":") else { return bytes.count }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        head[line[..<colon].lowercased()] = String(value.prefix { !$0.isNewline })
        return bytes.count
    }
}

private let bodyCallback: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, _, count, context in
    forward(bytes, count, context) { $0.receive($1) }
}

private let headerCallback: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, context in
    forward(bytes, size * count, context) { $0.receiveHeader($1) }
}

private func forward(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ body: (Transfer, UnsafeBufferPointer<UInt8>) -> Int
) -> Int {
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return bytes.withMemoryRebound(to: UInt8.self, capacity: count) {
        body(transfer, UnsafeBufferPointer(start: $0, count: count))
    }
}
