import Glibc
import Synchronization

/// How far a long import is, on a terminal; nothing where standard error is none.
final class ProgressLine: Sendable {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let last = Mutex<(shown: ContinuousClock.Instant, any: Bool)>((.now, false))

    func show(_ taken: Int, of all: Int?) {
        guard isTerminal else { return }
        let isDue = last.withLock { last in
            guard last.shown.duration(to: .now) > .milliseconds(100) else { return false }
            last = (.now, true)
            return true
        }
        guard isDue else { return }
        let part = all.map { " of \($0 / 1_000_000) MB (\(taken * 100 / max(1, $0)) %)" } ?? " MB"
        write("\r  \(taken / 1_000_000)\(part) ")
    }

    func end() {
        guard last.withLock({ $0.any }) else { return }
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
