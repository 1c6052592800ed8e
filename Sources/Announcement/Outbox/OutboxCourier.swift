internal import Clock
package import SecurityEvents

/// What an operator is told about the outbox. Nothing of anybody is in it.
package enum OutboxNotice: Hashable, Sendable {
    /// A library cannot be reached, or says no for now: it is tried again.
    case waiting(library: String, attempts: Int, PushError?)
    /// It has everything again.
    case caughtUp(library: String)
    /// Dropped: the library says that it will never take it.
    case refused(library: String, event: String, PushError)
    /// Dropped: it fits into no token.
    case tooLarge(library: String, event: String)
    /// Dropped: nobody took it for thirty days.
    case expired(library: String, event: String)
    /// Dropped: the row was not as it was written.
    case damaged(library: String)
    /// The database cannot be read or written.
    case unavailable
}

/// Carries what is owed: in order for each library, at least once, signed anew at each attempt under the same `jti`.
package final class OutboxCourier: Sendable {
    private let outbox: Outbox
    private let now: @Sendable () async -> Int64?
    private let report: @Sendable (OutboxNotice) -> Void
    private let interval, attempt, firstPause: Duration
    private let lanes: [Lane]

    /// One library, and when to look what it is owed.
    private struct Lane: Sendable {
        let transmitter: Transmitter
        let ticks: AsyncStream<Void>
        let waker: AsyncStream<Void>.Continuation
    }

    /// Seconds after which an event is dropped.
    package static let life: Int64 = 30 * 86_400

    /// An event that is so old is dropped after as many failures in a row: some twenty minutes.
    static let lastAttempts = 8

    /// - Parameters:
    ///   - libraries: by name.
    ///   - interval: how often the database is looked at: another process may have added something.
    ///   - attempt: how long one attempt may take.
    ///   - firstPause: after an attempt that failed; each further one doubles it, up to 128 times.
    ///   - now: seconds since 1970; nil while no time is to be believed, for tokens bear it.
    package init(
        outbox: Outbox, announcer: Announcer, libraries: [String], interval: Duration = .seconds(5),
        attempt: Duration = .seconds(10), firstPause: Duration = .seconds(5),
        now: @escaping @Sendable () async -> Int64?, report: @escaping @Sendable (OutboxNotice) -> Void
    ) {
        self.outbox = outbox
        (self.interval, self.attempt, self.firstPause) = (interval, attempt, firstPause)
        (self.now, self.report) = (now, report)
        lanes = libraries.compactMap(announcer.transmitter).map { transmitter in
            let (ticks, waker) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            return Lane(transmitter: transmitter, ticks: ticks, waker: waker)
        }
    }

    /// Something was added: look at once.
    package func wake() { for lane in lanes { lane.waker.yield() } }

    /// Carries until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [interval] in
                repeat { self.wake() } while (try? await Task.sleep(for: interval)) != nil
            }
            for lane in lanes { group.addTask { await self.serve(lane) } }
        }
    }

    /// - Parameters:
    ///   - toe: when it happened; it was dated by a clock that was believed.
    static func isOver(_ toe: Int64, at now: Int64) -> Bool { now &- toe > life }

    /// When a library is tried again: after 5 s, 10, 20, … eleven minutes.
    struct Pause {
        private(set) var backoff: Backoff
        private(set) var until = ContinuousClock.now

        init(first: Duration) { backoff = Backoff(first: first, longest: first * 128) }
        mutating func failed() { until = .now + backoff.failed() }
    }

    private func serve(_ lane: Lane) async {
        var pause = Pause(first: firstPause)
        for await _ in lane.ticks {
            guard pause.until <= .now else { continue }
            do throws(OutboxError) {
                while try await deliverFirst(to: lane.transmitter, &pause), !Task.isCancelled {}
            } catch {
                report(.unavailable)
                pause.failed()
            }
        }
    }

    /// True when there may be more.
    private func deliverFirst(to transmitter: Transmitter, _ pause: inout Pause) async throws(OutboxError) -> Bool {
        let library = transmitter.library.name
        guard let now = await now(), let entry = try await outbox.first(for: library) else { return false }
        guard let owed = entry.owed else {
            try await outbox.settle(entry)
            report(.damaged(library: library))
            return true
        }
        let toe: Int64
        if let dated = owed.toe {
            toe = dated
        } else {
            try await outbox.date(entry, owed, at: now)
            toe = now
        }
        let token: SealedToken
        do throws(TokenError) {
            token = try await transmitter.seal(owed.event, jti: owed.jti, toe: toe)
        } catch .tooLarge {
            // It never gets smaller, and what comes after it waits.
            try await outbox.settle(entry)
            report(.tooLarge(library: library, event: owed.event.uri))
            return true
        } catch {
            pause.failed()
            report(.waiting(library: library, attempts: pause.backoff.failures, nil))
            return false
        }
        switch await transmitter.push(token, deadline: .now + attempt) {
        case .acknowledged:
            if pause.backoff.failures > 0 { report(.caughtUp(library: library)) }
            pause = Pause(first: firstPause)
            try await outbox.settle(entry)
            return true
        case .refused(let error?) where [.invalidRequest, .invalidIssuer, .invalidAudience].contains(error):
            try await outbox.settle(entry)
            report(.refused(library: library, event: owed.event.uri, error))
            return true
        case let delivery:
            // Cancelled is not refused.
            guard !Task.isCancelled else { return false }
            pause.failed()
            // Not before it was tried for some time: a kiosk may have been switched off for as long, and starts before its
            // network does.
            guard !Self.isOver(toe, at: now) || pause.backoff.failures < Self.lastAttempts else {
                try await outbox.settle(entry)
                report(.expired(library: library, event: owed.event.uri))
                return true
            }
            let error: PushError? = if case .refused(let error) = delivery { error } else { nil }
            report(.waiting(library: library, attempts: pause.backoff.failures, error))
            return false
        }
    }
}
