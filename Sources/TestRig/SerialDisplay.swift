internal import Foundation
package import Glibc
package import Panel
internal import Synchronization

/// A two-row serial display that reads what it is sent, on a thread of its own.
package final class SerialDisplay: Sendable {
    /// Both rows, whenever they changed.
    package struct Change: Sendable {
        package let rows: [String]
        package let at: ContinuousClock.Instant
    }

    private let terminal: PseudoTerminal
    private let isStopped = Mutex(false)
    package let changes: AsyncStream<Change>
    /// What a kiosk opens.
    package var path: String { terminal.path }
    /// The line's settings as the kiosk made them.
    package var settings: termios? { terminal.settings }

    package init(_ commands: CommandSet = .cd5220, width: DisplayLayout.Width = .twenty) throws {
        let terminal = try PseudoTerminal()
        let (changes, continuation) = AsyncStream<Change>.makeStream()
        (self.terminal, self.changes) = (terminal, changes)
        Thread.detachNewThread { [self] in
            var emulator = DisplayEmulator(commands, width: width)
            var shown = emulator.rows
            while !isStopped.withLock({ $0 }) {
                emulator.feed(terminal.read(wait: 100))
                // Half a text is none.
                guard emulator.isIdle, emulator.rows != shown else { continue }
                shown = emulator.rows
                continuation.yield(Change(rows: shown, at: .now))
            }
            terminal.close()
            continuation.finish()
        }
    }

    /// Waits until a text stands in one of the rows, among the changes that were not looked at yet; nil when it was stopped.
    package func shows(_ text: String) async -> ContinuousClock.Instant? {
        for await change in changes where change.rows.contains(where: { $0.contains(text) }) { return change.at }
        return nil
    }

    package func stop() { isStopped.withLock { $0 = true } }
}
