internal import Login
internal import Registry
internal import SecurityEvents
internal import Synchronization

/// The tokens of one tap: sealed, then on their way, then answered. Nothing of it is stored anywhere.
package final class TapAnnouncement: Sendable {
    final class Item: Sendable {
        let transmitter: Transmitter
        let token: SealedToken
        private let answer = Mutex<Delivery?>(nil)

        init(_ transmitter: Transmitter, _ token: SealedToken) { (self.transmitter, self.token) = (transmitter, token) }

        var isRequired: Bool { transmitter.library.isRequired }
        /// Nil while it is on its way.
        var delivery: Delivery? { answer.withLock { $0 } }

        /// It left, and the library did not say that it refused it.
        var mayHaveArrived: Bool {
            guard token.wasSent else { return false }
            if case .refused(_?) = delivery { return false }
            return true
        }

        func push(until deadline: ContinuousClock.Instant) async -> Delivery {
            let delivery = await transmitter.push(token, deadline: deadline)
            answer.withLock { $0 = delivery }
            return delivery
        }
    }

    /// Whose tokens they are: of which presence, and by which registration.
    struct Origin: Equatable, Sendable {
        let presence: Presence
        let registration: RegistrationID

        init(_ presence: Presence, _ registration: RegistrationID) {
            (self.presence, self.registration) = (presence, registration)
        }
    }

    let items: [Item]
    /// Nil: made up, to try the sending alone; it is never cleared.
    let origin: Origin?
    /// Libraries, by name, that are not told, for what they are to be told fits into no token: none of them is required.
    package let leftOut: [String]
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(_ items: [Item], of origin: Origin?, leftOut: [String] = []) {
        (self.items, self.origin, self.leftOut) = (items, origin, leftOut)
    }

    /// Libraries, by name, that refused their token.
    package var refusing: [String] {
        items.filter { if case .refused = $0.delivery { true } else { false } }.map(\.transmitter.library.name)
    }

    /// The tokens as they go out: for tests of their form.
    var tokens: [[UInt8]] { items.map(\.token.bytes) }

    func deliver(until deadline: ContinuousClock.Instant) async -> Delivery {
        let (answers, continuation) = AsyncStream.makeStream(of: (isRequired: Bool, delivery: Delivery).self)
        let started = items.map { item in
            Task { _ = continuation.yield((item.isRequired, await item.push(until: deadline))) }
        }
        tasks.withLock { $0 = started }
        let result = await withTaskCancellationHandler {
            await outcome(of: answers)
        } onCancel: {
            continuation.finish()
        }
        // A library that is not required may still be on its way to a welcome; to anything else none is.
        if result != .acknowledged { started.forEach { $0.cancel() } }
        return result
    }

    private func outcome(of answers: AsyncStream<(isRequired: Bool, delivery: Delivery)>) async -> Delivery {
        let required = items.filter(\.isRequired).count
        // All that are required, and none of them may fail; where none is, any one.
        var needed = max(1, required)
        var spare = required > 0 ? 0 : items.count - 1
        var last = Delivery.unreachable
        for await (isRequired, delivery) in answers where isRequired || required == 0 {
            guard delivery == .acknowledged else {
                last = delivery
                if spare == 0 { return last }
                spare -= 1
                continue
            }
            needed -= 1
            if needed == 0 { return .acknowledged }
        }
        return last
    }

    /// Stops what is still on its way: what has not left by now does not leave.
    func end() -> [Item] {
        for item in items { item.token.withhold() }
        tasks.withLock { tasks in
            tasks.forEach { $0.cancel() }
            tasks = []
        }
        return items
    }
}
