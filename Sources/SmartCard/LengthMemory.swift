internal import Synchronization

/// Remembers who refuses extended lengths: a reader does once and for all, a card by its answer to reset. Bounded, since
/// contactless readers may put random identifiers into that answer.
package final class LengthMemory: Sendable {
    private struct State {
        var readerRefuses = false
        var cards: [[UInt8]] = []
    }
    private let state = Mutex(State())
    private static let most = 32

    package init() {}

    package func allowsExtended(answerToReset: [UInt8]) -> Bool {
        state.withLock { !$0.readerRefuses && !$0.cards.contains(answerToReset) }
    }

    package func readerRefused() { state.withLock { $0.readerRefuses = true } }

    package func cardRefused(answerToReset: [UInt8]) {
        state.withLock { state in
            guard !state.cards.contains(answerToReset) else { return }
            if state.cards.count == Self.most { state.cards.removeFirst() }  // safe: there are as many as fit
            state.cards.append(answerToReset)
        }
    }
}

/// What is remembered of each reader, by its name.
final class LengthMemories: Sendable {
    private let known = Mutex<[String: LengthMemory]>([:])
    /// More than one board ever sees; names come and go.
    private static let most = 16

    func of(_ reader: String) -> LengthMemory {
        known.withLock { known in
            if let memory = known[reader] { return memory }
            if known.count == Self.most { known = [:] }
            let memory = LengthMemory()
            known[reader] = memory
            return memory
        }
    }
}
