package import SmartCard
internal import Synchronization

/// A reader in this process, for where no pcscd can be had: the same card, without PC/SC between.
package final class InProcessReader: CardSource {
    private struct State {
        var report: (@Sendable (ReaderEvent) -> Void)?
        var card: CardInField?
        /// Which insertion it is: what belongs to an earlier one reaches no later one, as with PC/SC.
        var presence = 0
    }
    private let state = Mutex(State())
    private static let name = "In-process reader"

    package init() {}

    package func watch(_ report: @escaping @Sendable (ReaderEvent) -> Void) async {
        // In one step: a card that is laid down meanwhile is told of once, by `insert`.
        let isThere = state.withLock { state in
            state.report = report
            return state.card != nil
        }
        report(.readerAvailable(name: Self.name))
        if isThere { report(.cardInserted(reader: Self.name)) }
        // Until cancelled: events come from `insert` and `remove`.
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        state.withLock { $0.report = nil }
    }

    package func prepare() async {}

    package func insert(_ card: CardInField) {
        card.enterField()
        let report = state.withLock { state in
            state.card = card
            state.presence += 1
            return state.report
        }
        report?(.cardInserted(reader: Self.name))
    }

    package func remove() {
        let report = state.withLock { state in
            state.card = nil
            return state.report
        }
        report?(.cardRemoved)
    }

    package func connect(to reader: String, deadline: ContinuousClock.Instant) async throws(SmartCardError)
        -> any CardTransport
    {
        let (card, presence) = state.withLock { ($0.card, $0.presence) }
        guard let card else { throw .cardRemoved }
        return InProcessTransport(
            card: card, isPresent: { [weak self] in self?.holds(card, presence) ?? false },
            cut: { [weak self] in self?.cutPower(of: card, presence) }, tear: { [weak self] in self?.remove() })
    }

    private func holds(_ card: CardInField, _ presence: Int) -> Bool {
        state.withLock { $0.card === card && $0.presence == presence }
    }

    private func cutPower(of card: CardInField, _ presence: Int) {
        state.withLock { if $0.presence == presence || $0.card !== card { card.powerDown() } }
    }
}

private struct InProcessTransport: CardTransport {
    let card: CardInField
    let isPresent: @Sendable () -> Bool
    let cut: @Sendable () -> Void
    let tear: @Sendable () -> Void
    let lengths = LengthMemory()
    var link: TransmissionProtocol { card.isT0 ? .t0 : .t1 }
    var answerToReset: [UInt8] { card.answerToReset }

    func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer {
        guard isPresent() else { throw .cardRemoved }
        let start = ContinuousClock.now
        switch card.transmit(command) {
        case .bytes(let bytes, let milliseconds):
            if milliseconds > 0 {
                let end = min(start + .milliseconds(milliseconds), deadline)
                guard (try? await Task.sleep(until: end, clock: .continuous)) != nil else { throw .cancelled }
            }
            guard ContinuousClock.now < deadline else { throw .timedOut }
            guard isPresent() else { throw .cardRemoved }
            return RawAnswer(bytes: bytes, elapsed: start.duration(to: .now))
        case .torn:
            tear()
            throw .cardRemoved
        case .silent:
            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { throw .cancelled }
            throw .timedOut
        }
    }

    func isCardPresent() async -> Bool { isPresent() }

    func powerDown() async { cut() }
}
