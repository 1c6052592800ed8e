internal import CPCSC
internal import Synchronization
internal import Threads

/// What happens at the reader.
package enum ReaderEvent: Hashable, Sendable {
    /// pcscd is not there.
    case serviceUnavailable
    /// pcscd is there, the reader is not.
    case readerUnavailable
    case readerAvailable(name: String)
    /// A card, or something that answers like one, lies on the reader.
    case cardInserted(reader: String)
    case cardRemoved
    /// An exchange was given up and has not come back: the reader can't be used.
    case readerHeld
    /// It came back after all.
    case readerReleased
}

/// Watches one reader from a thread of its own, through pcscd's restarts and the reader's unplugging.
package actor ReaderMonitor {
    private nonisolated let executor = ThreadExecutor(name: "reader")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let nameFilter: String
    private let report: @Sendable (ReaderEvent) -> Void
    /// The context that waits at the moment: what a cancellation wakes.
    private nonisolated let waiting = Mutex<PCSCContext?>(nil)
    private var last: ReaderEvent?

    /// Milliseconds. A cancel that arrives just before a wait begins is lost; no wait is longer than this. Each costs four wake-ups.
    private static let slice: UInt32 = 3_000

    /// - Parameters:
    ///   - nameFilter: a part of the reader's name; empty takes the first.
    ///   - report: called on the monitor's thread, never twice in a row with the same event.
    package init(nameFilter: String, report: @escaping @Sendable (ReaderEvent) -> Void) {
        self.nameFilter = nameFilter
        self.report = report
    }

    deinit { executor.stop() }

    /// Watches until the task is cancelled.
    package nonisolated func run() async {
        await withTaskCancellationHandler {
            await watchService()
        } onCancel: {
            waiting.withLock { $0 }?.cancel()
        }
    }

    private func watchService() async {
        var pause = ServicePause()
        while !Task.isCancelled {
            let asked = ContinuousClock.now
            do throws(SmartCardError) {
                let context = try PCSCContext()
                waiting.withLock { $0 = context }
                defer { waiting.withLock { $0 = nil } }
                while !Task.isCancelled { try watchReaders(context) }
            } catch .cancelled {
                return
            } catch {
                tell(.serviceUnavailable)
                // Nothing announces that pcscd is back.
                try? await Task.sleep(for: pause.next(after: asked.duration(to: .now)))
            }
        }
    }

    /// Finds the reader and stays with it until it goes.
    private func watchReaders(_ context: PCSCContext) throws(SmartCardError) {
        let names = try context.readers()
        guard let name = names.first(where: { nameFilter.isEmpty || $0.contains(nameFilter) }) else {
            tell(.readerUnavailable)
            _ = try context.statusChange([ReaderState(name: ReaderState.plugAndPlay)], milliseconds: Self.slice)
            return
        }
        var reader = ReaderState(name: name)
        var isFirst = true
        while !Task.isCancelled {
            guard let states = try context.statusChange([reader], milliseconds: Self.slice), let now = states.first
            else { continue }
            if now.isGone {
                if reader.isPresent { tell(.cardRemoved) }
                tell(.readerUnavailable)
                return
            }
            if isFirst { tell(.readerAvailable(name: name)) }
            isFirst = false
            // Two changes since: the card went and came, or came and went, faster than we looked.
            let missed = now.changes &- reader.changes >= 2
            switch (reader.isPresent, now.isPresent) {
            case (false, true): tell(.cardInserted(reader: name))
            case (true, false): tell(.cardRemoved)
            case (true, true) where missed && reader.changes != 0:
                tell(.cardRemoved)
                tell(.cardInserted(reader: name))
            case (true, true), (false, false): break
            }
            reader = now
        }
    }

    private func tell(_ event: ReaderEvent) {
        guard event != last else { return }
        last = event
        report(event)
    }
}
