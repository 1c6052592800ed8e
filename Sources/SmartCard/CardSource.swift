/// Where cards come from: PC/SC on an appliance, a card in this process in a laboratory.
package protocol CardSource: Sendable {
    /// Reports what happens at the reader until the task is cancelled.
    func watch(_ report: @escaping @Sendable (ReaderEvent) -> Void) async

    /// Makes ready what the first connection needs.
    func prepare() async

    func connect(to reader: String, deadline: ContinuousClock.Instant) async throws(SmartCardError)
        -> any CardTransport
}

/// One PC/SC reader.
package final class PCSCCardSource: CardSource {
    private let nameFilter: String
    private let held: AsyncStream<Bool>
    private let reader: CardReader

    /// - Parameter nameFilter: a part of the reader's name; empty takes the first.
    package init(nameFilter: String) {
        self.nameFilter = nameFilter
        let (stream, continuation) = AsyncStream<Bool>.makeStream(bufferingPolicy: .unbounded)
        held = stream
        reader = CardReader { continuation.yield($0) }
    }

    package func watch(_ report: @escaping @Sendable (ReaderEvent) -> Void) async {
        let monitor = ReaderMonitor(nameFilter: nameFilter, report: report)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await monitor.run() }
            group.addTask { [held] in
                for await isHeld in held { report(isHeld ? .readerHeld : .readerReleased) }
            }
        }
    }

    package func prepare() async { await reader.prepare() }

    package func connect(to reader: String, deadline: ContinuousClock.Instant) async throws(SmartCardError)
        -> any CardTransport
    {
        try await self.reader.connect(to: reader, deadline: deadline)
    }
}
