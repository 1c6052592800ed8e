internal import CCurl
internal import Glibc
internal import Synchronization

/// One request on its way. libcurl calls into it on the engine's thread only.
final class Transfer: @unchecked Sendable {
    // What libcurl touches (`easy`, `received`, `head`) is used by one thread at a time: by the caller until `add`, by
    // the engine's thread from then on.
    let easy: UnsafeMutableRawPointer
    private let headers: UnsafeMutablePointer<curl_slist>?
    private let resolved: UnsafeMutablePointer<curl_slist>?
    private let body: UnsafeMutableBufferPointer<UInt8>
    private let most: Int
    private var received: [UInt8] = []
    private var head: [String: String] = [:]
    private var isTooLarge = false
    private let bodyCounts: Set<Int>?
    private var isCut = false
    private let receiver: CurlClient.BodyReceiver?
    private var handedOver = 0
    private var isStopped = false
    private let limits: Limits
    private let leaving: @Sendable () -> Bool
    private let cancelled = Atomic(false)
    private let continuation = Mutex<CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>?>(nil)

    /// When the connection must be there, and everything be over.
    struct Limits {
        let connected: ContinuousClock.Instant
        let end: ContinuousClock.Instant
    }

    /// - Parameter resolved: the host's addresses as CURLOPT_RESOLVE takes them; empty where nobody has to be asked.
    init(
        _ request: HTTPRequest, resolved: [String], limits: Limits, leaving: @escaping @Sendable () -> Bool,
        receiver: CurlClient.BodyReceiver?
    ) throws(HTTPClientError) {
        guard let easy = curl_easy_init() else { throw .unusableRequest }
        self.easy = easy
        (self.limits, self.leaving, self.receiver) = (limits, leaving, receiver)
        (most, bodyCounts) = (request.most, request.bodyCounts)
        // No `Expect: 100-continue`: it would cost a round trip.
        headers = Self.list(request.headers + ["Expect:"])
        self.resolved = Self.list(resolved)
        body = .allocate(capacity: max(1, request.body.count))
        _ = body.initialize(from: request.body)
        try set(request)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        curl_slist_free_all(resolved)
        // The body may be somebody's token.
        body.update(repeating: 0)
        body.deallocate()
    }

    private static func list(_ texts: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for text in texts { list = curl_slist_append(list, text) }
        return list
    }

    private func set(_ request: HTTPRequest) throws(HTTPClientError) {
        var results = transport(request) + trust(request.tls)
        results += [
            kz_set_string(easy, CURLOPT_URL, request.url),
            kz_set_pointer(easy, CURLOPT_HTTPHEADER, headers),
            kz_set_data_callback(easy, CURLOPT_WRITEFUNCTION, bodyCallback),
            kz_set_pointer(easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self).toOpaque()),
            kz_set_data_callback(easy, CURLOPT_HEADERFUNCTION, headerCallback),
            kz_set_pointer(easy, CURLOPT_HEADERDATA, Unmanaged.passUnretained(self).toOpaque()),
            kz_set_prerequest(easy, leavingCallback),
            kz_set_pointer(easy, CURLOPT_PREREQDATA, Unmanaged.passUnretained(self).toOpaque()),
        ]
        if request.deadline != nil { results.append(kz_set_socket_callback(easy, socketCallback)) }
        if let stall = request.stall {
            results.append(kz_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1_000))
            results.append(kz_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(clamping: stall.components.seconds))))
        }
        switch request.method {
        case .get: break
        case .options: results.append(kz_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue))
        case .post:
            results.append(kz_set_long(easy, CURLOPT_POST, 1))
            results.append(kz_set_large(easy, CURLOPT_POSTFIELDSIZE_LARGE, request.body.count))
            results.append(kz_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress))
        }
        guard results.allSatisfy({ $0 == CURLE_OK }) else { throw .unusableRequest }
    }

    /// How far a request reaches. libcurl's defaults are said here where the environment, a file or a later version could
    /// make them wider; cookies, HSTS, Alt-Svc and DNS over HTTPS are off until somebody asks for them.
    private func transport(_ request: HTTPRequest) -> [CURLcode] {
        var results: [CURLcode] = [
            kz_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            // Or else http_proxy, all_proxy and their kin say where tokens go.
            kz_set_string(easy, CURLOPT_PROXY, ""),
            // Nobody's ~/.netrc has to do with a library, and a password only goes where the URL has one.
            kz_set_long(easy, CURLOPT_NETRC, kz_netrc_ignored),
            kz_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
            // Bytes without a status line are no answer.
            kz_set_long(easy, CURLOPT_HTTP09_ALLOWED, 0),
            // ALPN offers just this: one request a connection, so that a lost one takes no other with it.
            kz_set_long(easy, CURLOPT_HTTP_VERSION, kz_http_1_1),
            // Signals would be for all threads of the process.
            kz_set_long(easy, CURLOPT_NOSIGNAL, 1),
            kz_set_long(easy, CURLOPT_MAXAGE_CONN, 3_600),
            // A connection is not believed for ever by authorities that are no longer configured.
            kz_set_long(easy, CURLOPT_MAXLIFETIME_CONN, 3_600),
        ]
        if let resolved {
            // Whatever libcurl does not find among these addresses is not asked about.
            results.append(kz_set_pointer(easy, CURLOPT_RESOLVE, resolved))
            results.append(kz_set_resolver_start(easy) { _, _, _ in 1 })
        }
        return results
    }

    /// Who is believed to be the server.
    private func trust(_ tls: TLSOptions) -> [CURLcode] {
        var results: [CURLcode] = [
            kz_set_long(easy, CURLOPT_SSLVERSION, Int(truncatingIfNeeded: CURL_SSLVERSION_TLSv1_2)),
            // Handshakes of all libraries take turns on one thread: none may ask for seconds of arithmetic in groups that it
            // chooses.
            kz_set_string(easy, CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20"),
            kz_set_string(easy, CURLOPT_SSL_EC_CURVES, "X25519:P-256:P-384"),
            kz_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1),
            kz_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2),
            // A resumed session shows no certificate: it would be believed by authorities of an hour ago.
            kz_set_long(easy, CURLOPT_SSL_SESSIONID_CACHE, 0),
            // The file is read for each connection: libcurl would keep what it read for a day.
            kz_set_long(easy, CURLOPT_CA_CACHE_TIMEOUT, 0),
        ]
        if let authorities = tls.authorities {
            results.append(kz_set_string(easy, CURLOPT_CAINFO, authorities))
            // libcurl looks into the system's folder beside the file; some versions do so wherever none is named. Nobody can
            // put a certificate under this one.
            results.append(kz_set_string(easy, CURLOPT_CAPATH, "/dev/null"))
        }
        for (option, file) in [(CURLOPT_SSLCERT, tls.clientCertificate), (CURLOPT_SSLKEY, tls.clientKey)] {
            if let file { results.append(kz_set_string(easy, option, file)) }
        }
        return results
    }

    /// Gives libcurl the time that is left.
    /// - Returns: false: there is none, and nothing may leave.
    func setLimits() -> Bool {
        func milliseconds(_ limit: ContinuousClock.Instant) -> Int {
            let (seconds, attoseconds) = ContinuousClock.now.duration(to: limit).components
            // libcurl takes 24 days; no more is asked for.
            let most: Int64 = 1_000_000
            return max(1, Int(clamping: min(seconds, most) * 1_000 + attoseconds / 1_000_000_000_000_000))
        }
        return !isLate
            && kz_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(limits.connected)) == CURLE_OK
            && kz_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(limits.end)) == CURLE_OK
    }

    private var isLate: Bool { limits.end <= .now }

    /// Nothing leaves any more, whether or not the engine's thread has seen the request yet.
    func cancel() { cancelled.store(true, ordering: .releasing) }
    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// The connection is there; the first byte leaves next.
    fileprivate func mayLeave() -> Bool { !isLate && !isCancelled && leaving() }

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
        // libcurl looks at its clock once for all that it finds ready.
        case CURLE_OK where isLate: finish(.failure(.timedOut))
        case CURLE_OK: finish(.success(response))
        case CURLE_WRITE_ERROR where isCut: finish(isLate ? .failure(.timedOut) : .success(response))
        case CURLE_ABORTED_BY_CALLBACK: finish(.failure(isLate ? .timedOut : .cancelled))
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
        guard bytes.count <= most - received.count else {
            isCut = bodyCounts.map { !$0.contains(response.status) } ?? false
            isTooLarge = !isCut
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
        // safe: the colon stands in the line
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        // safe: the colon stands in the line
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

private let leavingCallback: curl_prereq_callback = { context, _, _, _, _ in
    guard let context, Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().mayLeave() else {
        return CURL_PREREQFUNC_ABORT
    }
    return CURL_PREREQFUNC_OK
}

/// What the kernel holds of a request goes with its connection: it would send that on after the request was given up.
/// Whoever listened is told so by a reset, also where a connection ends that nothing waits on.
private let socketCallback: curl_sockopt_callback = { _, socket, _ in
    var gone = linger(l_onoff: 1, l_linger: 0)
    let size = socklen_t(MemoryLayout<linger>.size)
    return setsockopt(socket, SOL_SOCKET, SO_LINGER, &gone, size) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
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
