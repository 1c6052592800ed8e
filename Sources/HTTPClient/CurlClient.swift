internal import CCurl

/// libcurl's multi interface on one thread. Connections stay warm between requests. It ends when it is released.
package final class CurlClient: Sendable {
    private let engine: Engine
    /// Names are asked about here and never by libcurl, which has one thread for all requests and would join the name
    /// service's on it.
    package let resolver: HostResolver

    package init(resolver: HostResolver = .shared) {
        self.resolver = resolver
        engine = Engine()
        engine.start()
    }

    deinit { engine.stop() }

    /// Asks ahead for the addresses of a URL's host, and for those that are old.
    package func findAhead(_ url: String) {
        if let name = HTTPTarget(url)?.name { resolver.known(name) }
    }

    /// Waits until it is known where a URL leads, or that nobody knows it.
    /// - Returns: false: the name service was silent until `limit`, or the task is cancelled.
    package func find(_ url: String, until limit: ContinuousClock.Instant) async -> Bool {
        guard let name = HTTPTarget(url)?.name else { return true }
        return await resolver.addresses(of: name, until: limit) != nil
    }

    /// Takes an answer's body as it arrives, on the client's thread: status and headers, without the body, and the next
    /// bytes. False ends the transfer with `stopped`.
    package typealias BodyReceiver = @Sendable (HTTPResponse, UnsafeRawBufferPointer) -> Bool

    /// Sends `request` and waits for the whole answer; a cancelled task leaves at once.
    /// - Parameters:
    ///   - receiver: takes the body instead of the answer. Other requests of this client wait while it works: a
    ///     client that serves taps is none to download with.
    ///   - leaving: asked on the client's thread just before the first byte leaves, with the connection there; false:
    ///     nothing does, and the request ends as `cancelled`.
    package func send(
        _ request: HTTPRequest, receiver: BodyReceiver? = nil, leaving: @escaping @Sendable () -> Bool = { true }
    ) async throws(HTTPClientError) -> HTTPResponse {
        let start = ContinuousClock.now
        let end = min(start + request.timeout, request.deadline ?? start + request.timeout)
        let connected = min(start + request.connectTimeout, end)
        guard let target = HTTPTarget(request.url) else { throw .unusableRequest }
        var addresses: [HostAddress] = []
        if let name = target.name {
            guard let found = await resolver.addresses(of: name, until: connected) else {
                throw Task.isCancelled ? .cancelled : .timedOut
            }
            addresses = found
        }
        let transfer = try Transfer(
            request, resolved: try target.resolved(addresses), limits: .init(connected: connected, end: end),
            leaving: leaving, receiver: receiver)
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

extension HTTPTarget {
    /// - Throws: `network`, as libcurl says it of a name that nobody knows.
    fileprivate func resolved(_ addresses: [HostAddress]) throws(HTTPClientError) -> [String] {
        let entries = entries(addresses)
        guard isFigures || !entries.isEmpty else {
            throw .network(Int32(bitPattern: CURLE_COULDNT_RESOLVE_HOST.rawValue))
        }
        return entries
    }
}
