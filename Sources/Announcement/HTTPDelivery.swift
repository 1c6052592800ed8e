internal import FoundationEssentials
internal import HTTPClient

/// Pushes one token over HTTP as RFC 8935 says: 202 is the only yes.
struct HTTPDelivery: Sendable {
    private let library: Library
    private let http: CurlClient

    init(_ library: Library, _ http: CurlClient) { (self.library, self.http) = (library, http) }

    private static let mostAttempts = 3

    /// Tries until there is an answer that counts, the attempts are used up, or `deadline` has passed.
    func push(_ token: [UInt8], deadline: ContinuousClock.Instant) async -> Delivery {
        let clock = ContinuousClock()
        for attempt in 1...Self.mostAttempts {
            let left = clock.now.duration(to: deadline)
            guard left > .milliseconds(10), !Task.isCancelled else { return .unreachable }
            var request = HTTPRequest(.post, library.url, body: token, tls: library.tls)
            request.headers = ["Content-Type: application/secevent+jwt", "Accept: application/json"]
            request.connectTimeout = min(.seconds(1), left)
            request.timeout = min(.seconds(2), left)
            var pause = Duration.milliseconds(100 * attempt)
            do throws(HTTPClientError) {
                let response = try await http.send(request)
                switch response.status {
                case 202: return .acknowledged
                case 429, 500...599:
                    if let seconds = response.headers["retry-after"].flatMap({ Int($0) }), (0...5).contains(seconds) {
                        pause = .seconds(seconds)
                    }
                // 200, redirects, and refusals are answers: the same token gets no other one.
                default: return .refused(Self.error(of: response))
                }
            } catch .unusableRequest {
                return .unreachable
            } catch .answerTooLarge {
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

    /// `err` of a 400; its description is nobody's business and is not kept.
    private static func error(of response: HTTPResponse) -> PushError? {
        struct Body: Decodable { let err: String }
        guard response.status == 400, let body = try? JSONDecoder().decode(Body.self, from: Data(response.body)) else {
            return nil
        }
        return PushError(rawValue: body.err)
    }
}
