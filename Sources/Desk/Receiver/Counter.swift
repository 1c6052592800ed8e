internal import Cryptography
internal import SecurityEvents
internal import Synchronization

/// What stands on the staff's display.
package struct Presented: Sendable, Equatable {
    package enum Standing: Sendable, Equatable {
        case known(PatronRecord)
        /// The pseudonym is known, but the card belongs to another library.
        case elsewhere(PatronRecord)
        /// Never seen: it is to be registered now.
        case unknown
    }
    /// Counts up; the page names it when staff registers somebody.
    package let number: Int
    package let kiosk: String
    package var standing: Standing
    /// The library card number: the record's, else the token's.
    package var cardNumber: String?
    /// What the library's system says of that number, where it was asked.
    package var system: SystemAnswer?
}

/// What became of the question to the library's system.
package enum SystemAnswer: Sendable, Equatable {
    case answered(PatronInformation)
    case failed
}

/// Who stands at which kiosk now, and nobody who stood there before.
package final class Counter: Sendable {
    private struct Standing {
        var presented: Presented
        let origin: Origin
        /// The pseudonym, for a registration; it never goes to a page.
        let ppid: Confidential<String>
        var until: ContinuousClock.Instant
    }
    private struct Origin: Equatable {
        let jti: TokenID
        let kiosk: String
    }
    private struct State {
        var number = 0
        var latest: Standing?
        /// Whom staff is registering: kept while they write, though the card may be gone.
        var held: Standing?
        /// Who came and is not told of yet, by number: what is told can't be taken back, so nobody is who left meanwhile.
        var arriving: [Int: Origin] = [:]
        var listeners: [Int: AsyncStream<Presented?>.Continuation] = [:]
        var nextListener = 0
    }
    private let state = Mutex(State())
    private let store: RecipientStore
    /// Called with each patron that is newly there, for what else a library does with a card number.
    private let arrival = Mutex<(@Sendable (Presented) -> Void)?>(nil)

    /// The page clears itself even when nobody says that the card is gone.
    package static let longest = Duration.seconds(60)
    /// How long staff may write.
    package static let longestHeld = Duration.seconds(180)

    init(store: RecipientStore) { self.store = store }

    package func onArrival(_ body: @escaping @Sendable (Presented) -> Void) { arrival.withLock { $0 = body } }

    /// - Returns: what is done once the event is remembered.
    func act(on event: SecurityEvent, jti: TokenID, from kiosk: String, record: PatronRecord?)
        -> (@Sendable () -> Void)?
    {
        switch event {
        case .person(.presented(let serviceID), let subject):
            return present(subject, serviceID: serviceID, jti: jti, kiosk: kiosk, record: record)
        case .kiosk(.withdrawn(let jti)), .kiosk(.presenceEnded(let jti)): remove(jti, from: kiosk)
        // The store has taken note of it, or it is for a log.
        case .person(.registered, _), .person(.suspended, _), .person(.removed, _), .person(.attributesChanged, _),
            .person(.replaced, _), .kiosk(.outOfService), .kiosk(.cardLeft):
            break
        }
        return nil
    }

    /// Clears what `kiosk` presented under `jti`, and nothing that another one did.
    func remove(_ jti: TokenID, from kiosk: String) {
        change { state in
            let origin = Origin(jti: jti, kiosk: kiosk)
            state.arriving = state.arriving.filter { $0.value != origin }
            if state.latest?.origin == origin { state.latest = nil }
        }
    }

    private func present(
        _ subject: SubjectIdentifier, serviceID: Confidential<String>?, jti: TokenID, kiosk: String,
        record: PatronRecord?
    ) -> @Sendable () -> Void {
        let standing: Presented.Standing =
            switch record {
            case nil: .unknown
            case let record? where record.elsewhere != nil: .elsewhere(record)
            case let record?: .known(record)
            }
        let presented = change { state in
            state.number += 1
            let presented = Presented(
                number: state.number, kiosk: kiosk, standing: standing,
                cardNumber: record?.cardNumber ?? serviceID?.revealed)
            let origin = Origin(jti: jti, kiosk: kiosk)
            state.latest = Standing(
                presented: presented, origin: origin, ppid: Confidential(subject.subject), until: .now + Self.longest)
            state.arriving[state.number] = origin  // safe: a dictionary
            return presented
        }
        return { [weak self] in
            guard let self, state.withLock({ $0.arriving.removeValue(forKey: presented.number) }) != nil else { return }
            arrival.withLock { $0 }?(presented)
        }
    }

    private func change<Value>(_ body: (inout State) -> Value) -> Value {
        state.withLock { state in
            let before = state.latest?.presented
            let value = body(&state)
            guard state.latest?.presented != before else { return value }
            for listener in state.listeners.values { listener.yield(state.latest?.presented) }
            return value
        }
    }

    /// Clears what stood there too long.
    package func clearStale(now: ContinuousClock.Instant) {
        change { state in
            if let until = state.latest?.until, until <= now { state.latest = nil }
            if let until = state.held?.until, until <= now { state.held = nil }
        }
    }

    /// Keeps whoever stands there under `number` for staff to write about.
    func hold(_ number: Int) {
        state.withLock { state in
            guard var standing = state.latest, standing.presented.number == number else { return }
            standing.until = .now + Self.longestHeld
            state.held = standing
        }
    }

    /// Adds what the library's system said of the card of `number`.
    package func note(_ answer: SystemAnswer, number: Int) {
        change { if $0.latest?.presented.number == number { $0.latest?.presented.system = answer } }
    }

    /// Who is there now, and every change from now on; a slow listener misses what is over.
    package func presences() -> AsyncStream<Presented?> {
        let (stream, continuation) = AsyncStream.makeStream(of: Presented?.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            continuation.yield(state.latest?.presented)
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Stores a record for whoever was presented under `number` and stands there still, or is held; false: nobody does.
    package func register(_ record: PatronRecord, number: Int) async throws -> Bool {
        let ppid = state.withLock { state in
            [state.latest, state.held].compactMap(\.self).first { $0.presented.number == number }?.ppid
        }
        guard let ppid else { return false }
        try await store.save(record, for: ppid.revealed)
        change { state in
            if state.held?.presented.number == number { state.held = nil }
            guard state.latest?.presented.number == number else { return }
            state.latest?.presented.standing = record.elsewhere == nil ? .known(record) : .elsewhere(record)
            state.latest?.presented.cardNumber = record.cardNumber
        }
        return true
    }
}
