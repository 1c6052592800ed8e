internal import Glibc
package import JOSE
package import SecurityEvents

/// A statement that passed every check.
package struct AcceptedEvent: Sendable {
    /// The kiosk.
    package let iss: String
    package let jti: TokenID
    package let toe: Int64
    /// Nil: a number that was seen before, with an event that does not read.
    package let event: SecurityEvent?
    /// Seen before: the same answer, no second action.
    package let isDuplicate: Bool
}

/// How a desk signs its acknowledgements.
package enum Acknowledger: Sendable {
    /// The suite `nested`.
    case signing(SigningKey)
    /// The suite `direct`: with the key that the kiosk and the desk share.
    case shared
}

/// A library's receiving desk apart from any channel: checks tokens in the profile's order, answers, acts once on each,
/// and says who is there.
package final class Recipient: Sendable {
    /// One token, and what came of it.
    package struct Receipt: Sendable {
        package let result: Result<AcceptedEvent, PushError>
        /// Milliseconds that the desk's own checks took.
        package let milliseconds: Double
    }

    /// An answer, and for whom it can be signed.
    package struct Answer: Sendable {
        package let result: Result<AcceptedEvent, PushError>
        let sender: (kiosk: KnownKiosk, jti: TokenID)?
    }

    private let verifier: TokenVerifier
    private let acknowledger: Acknowledger?
    private let store: RecipientStore
    package let counter: Counter
    /// What came in, in order; only the newest where nobody takes them.
    package let receipts: AsyncStream<Receipt>
    private let continuation: AsyncStream<Receipt>.Continuation
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - acknowledger: needed for UDP, and for plain HTTP beyond this machine.
    ///   - file: the desk's SQLite file; nil: in memory.
    ///   - now: seconds since 1970.
    package init(
        verifier: TokenVerifier, acknowledger: Acknowledger? = nil, file: String? = nil,
        now: @escaping @Sendable () -> Int64
    ) throws {
        (self.verifier, self.acknowledger, self.now) = (verifier, acknowledger, now)
        store = try RecipientStore(path: file)
        counter = Counter(store: store)
        (receipts, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(4_096))
    }

    /// Tokens that are worth one transaction together: in the suite `nested` each is answered by itself, for its
    /// arithmetic takes longer than the disk.
    var mostAtOnce: Int { verifier.isDirect ? 64 : 1 }

    private struct Checked {
        let start: ContinuousClock.Instant
        let result: Result<(token: AuthenticToken, entry: RecipientStore.Entry), Rejection>

        var entry: RecipientStore.Entry? { try? result.get().entry }
    }

    private func check(_ bytes: [UInt8], at now: Int64) -> Checked {
        let start = ContinuousClock.now
        do throws(Rejection) {
            let token = try verifier.verify(bytes, now: now)
            let event: Result<SecurityEvent, PushError>
            do throws(ClaimsError) {
                event = .success(try token.claims.event())
            } catch {
                event = .failure(.invalidRequest)
            }
            let entry = RecipientStore.Entry(
                kiosk: token.kiosk.id, jti: token.claims.jti, until: now + verifier.life(of: token), event: event)
            return Checked(start: start, result: .success((token, entry)))
        } catch {
            return Checked(start: start, result: .failure(error))
        }
    }

    /// Checks, acts, remembers; it blocks, for threads that are a desk's own. When it throws, nothing is remembered:
    /// kiosks try again, and it is acted on then.
    package func receive(_ tokens: [[UInt8]]) throws -> [Answer] {
        let now = now()
        let checked = tokens.map { check($0, at: now) }
        let entries = checked.compactMap(\.entry)
        return settle(checked, entries.isEmpty ? [] : try store.register(entries, now: now, action))
    }

    /// The same for one token, without a thread.
    package func receive(_ token: [UInt8]) async throws -> Answer {
        let now = now()
        let checked = [check(token, at: now)]
        let entries = checked.compactMap(\.entry)
        let verdicts = entries.isEmpty ? [] : try await store.register(entries, now: now, action)
        return settle(checked, verdicts).first ?? Answer(result: .failure(.invalidRequest), sender: nil)
    }

    private var action: RecipientStore.Action {
        RecipientStore.Action(
            act: { [counter] entry, event, record in
                counter.act(on: event, jti: entry.jti, from: entry.kiosk, record: record)
            },
            // Nobody is shown of whom the store knows nothing.
            undo: { [counter] entry in counter.remove(entry.jti, from: entry.kiosk) })
    }

    private func settle(_ checked: [Checked], _ verdicts: [RecipientStore.Verdict]) -> [Answer] {
        var verdicts = verdicts[...]
        return checked.map { checked in
            let answer: Answer
            switch checked.result {
            case .failure(let rejection): answer = Answer(result: .failure(rejection.error), sender: rejection.sender)
            case .success((let token, let entry)):
                answer = settle(token, entry.event, verdicts.popFirst())
            }
            let (seconds, attoseconds) = checked.start.duration(to: .now).components
            continuation.yield(
                Receipt(result: answer.result, milliseconds: Double(seconds) * 1_000 + Double(attoseconds) / 1e15))
            return answer
        }
    }

    private func settle(
        _ token: AuthenticToken, _ event: Result<SecurityEvent, PushError>, _ verdict: RecipientStore.Verdict?
    ) -> Answer {
        let sender = (token.kiosk, token.claims.jti)
        switch (verdict, event) {
        // What it was answered then is its answer, whatever it says now.
        case (.seen(let error?), _): return Answer(result: .failure(error), sender: sender)
        case (.seen(nil), let event):
            return Answer(result: .success(accepted(token, try? event.get(), isDuplicate: true)), sender: sender)
        case (_, .failure(let error)): return Answer(result: .failure(error), sender: sender)
        case (.new, .success(let event)):
            return Answer(result: .success(accepted(token, event, isDuplicate: false)), sender: sender)
        case (nil, _): return Answer(result: .failure(.invalidRequest), sender: sender)
        }
    }

    private func accepted(_ token: AuthenticToken, _ event: SecurityEvent?, isDuplicate: Bool) -> AcceptedEvent {
        AcceptedEvent(
            iss: token.claims.iss, jti: token.claims.jti, toe: token.claims.toe, event: event, isDuplicate: isDuplicate)
    }

    /// The signed answer, the acknowledgement token; nil where its sender did not prove who it is, or there is nothing to
    /// sign with.
    package func acknowledgement(of answer: Answer) -> [UInt8]? {
        guard let (kiosk, jti) = answer.sender, let acknowledger else { return nil }
        let error: PushError? = if case .failure(let error) = answer.result { error } else { nil }
        let acknowledgement = Acknowledgement(
            iss: verifier.audience, aud: kiosk.id, iat: now(), jti: jti, error: error)
        switch (acknowledger, kiosk.key) {
        case (.signing(let key), _): return try? acknowledgement.signed(by: key)
        case (.shared, .shared(let key)): return try? acknowledgement.sealed(under: key)
        case (.shared, .signing): return nil
        }
    }

    /// Forgets what may be forgotten; to be called now and then.
    package func prune() { try? store.prune(now: now()) }

    package func finish() { continuation.finish() }
}
