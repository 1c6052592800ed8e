internal import Clock
internal import FoundationEssentials
internal import HTTPClient
internal import SecurityEvents

/// Pushes one token over HTTP as RFC 8935 says: 202 is the only yes.
struct HTTPDelivery: Sendable {
    let url: String
    let tls: TLSOptions
    let http: CurlClient
    /// Where the channel does not say who answers: what an answer must carry. It gives what the library said.
    let authentication: (@Sendable (_ acknowledgement: String) -> Delivery?)?

    private static let mostAttempts = 3

    /// Tries until there is an answer that counts, the attempts are used up, or `deadline` has passed.
    func push(_ token: SealedToken, deadline: ContinuousClock.Instant) async -> Delivery {
        // No attempt is spent on a name service that is slow.
        guard await http.find(url, until: deadline) else { return .unreachable }
        let clock = ContinuousClock()
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
        for attempt in 1...Self.mostAttempts {
            let left = clock.now.duration(to: deadline)
            guard left > .milliseconds(10), !Task.isCancelled else { return .unreachable }
            var request = HTTPRequest(.post, url, body: token.bytes, tls: tls)
            request.headers = ["Content-Type: application/secevent+jwt", "Accept: application/json"]
            request.connectTimeout = min(.seconds(1), left)
            request.timeout = min(.seconds(2), left)
            request.deadline = deadline
            // A yes is a yes, and a failure one, whatever page comes with it.
            request.bodyCounts = authentication == nil ? [400] : []
            var pause = backoff.failed()
            do throws(HTTPClientError) {
                let response = try await http.send(request, leaving: token.mayLeave)
                if let asked = response.retryAfter { pause = asked }
                if let delivery = read(response) { return delivery }
            } catch .unusableRequest {
                return .unreachable
            } catch .cancelled {
                // The task is, or the token was withheld.
                return .unreachable
            } catch .answerTooLarge where authentication == nil {
                return .refused(nil)
            } catch {
                // No answer: the next attempt may get one; the receiver acts on a repeated `jti` once.
            }
            guard attempt < Self.mostAttempts, clock.now + pause < deadline,
                (try? await Task.sleep(for: pause)) != nil
            else { return .unreachable }
        }
        return .unreachable
    }

    /// Nil: try again.
    private func read(_ response: HTTPResponse) -> Delivery? {
        if let authentication {
            // On an open network anyone can say 202, and anyone can say no.
            guard let header = response.headers[Acknowledgement.header.lowercased()] else { return nil }
            return authentication(header)
        }
        switch response.status {
        case 202: return .acknowledged
        case 429, 500...599: return nil
        // 200, redirects, and refusals are answers: the same token gets no other one.
        default: return .refused(Self.error(of: response))
        }
    }

    /// `err` of a 400; its description is nobody's business and is not kept.
    private static func error(of response: HTTPResponse) -> PushError? {
        struct Body: Decodable { let err: String }
        guard response.status == 400, let body = try? JSONDecoder().decode(Body.self, from: Data(response.body)) else {
            return nil
        }
        return PushError(rawValue: body.err)
    }
}

extension HTTPResponse {
    /// `Retry-After` in seconds (RFC 9110 10.2.3); a date is not asked of a clock that may be wrong.
    fileprivate var retryAfter: Duration? {
        guard let seconds = headers["retry-after"].flatMap({ Int($0, radix: 10) }), (0...60).contains(seconds) else {
            return nil
        }
        return .seconds(seconds)
    }
}
