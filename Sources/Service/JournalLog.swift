internal import Clock
internal import Dispatch
internal import Glibc
package import Logging
internal import Synchronization

/// Log lines for standard error: with the journal's priority before each (sd-daemon(3)) where the journal reads them, else
/// with the time. They are written by a thread of their own: a journal that takes nothing more delays no tap; what does
/// not fit into its queue is dropped, counted, and the count is logged.
package final class JournalWriter: Sendable {
    private struct Queue {
        var lines: [[UInt8]] = []
        var dropped = 0
        var isWriting = false
    }
    private let queue = Mutex(Queue())
    private let thread = DispatchQueue(label: "journal")
    private let descriptor: Int32
    /// Lines that wait at the most.
    private static let most = 1_000

    package init(descriptor: Int32 = STDERR_FILENO) { self.descriptor = descriptor }

    func write(_ line: [UInt8]) {
        let starts = queue.withLock { queue in
            guard queue.lines.count < Self.most else {
                queue.dropped += 1
                return false
            }
            queue.lines.append(line)
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if starts { thread.async { self.drain() } }
    }

    private func drain() {
        while true {
            let (lines, dropped) = queue.withLock { queue in
                defer { (queue.lines, queue.dropped) = ([], 0) }
                if queue.lines.isEmpty, queue.dropped == 0 { queue.isWriting = false }
                return (queue.lines, queue.dropped)
            }
            if lines.isEmpty, dropped == 0 { return }
            for line in lines { put(line) }
            if dropped > 0 { put(Array("<4>kazashi: \(dropped) log lines were dropped\n".utf8)) }
        }
    }

    private func put(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Waits until everything so far is written, or for so many milliseconds.
    package func flush(milliseconds: Int = 1_000) {
        let done = DispatchSemaphore(value: 0)
        thread.async { done.signal() }
        _ = done.wait(timeout: .now() + .milliseconds(milliseconds))
    }
}

/// swift-log's face of it.
package struct JournalLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info
    private let label: String
    private let writer: JournalWriter
    private let hasPriorities: Bool

    /// - Parameter hasPriorities: the journal reads, which has its own time.
    package init(label: String, writer: JournalWriter, hasPriorities: Bool) {
        (self.label, self.writer, self.hasPriorities) = (label, writer, hasPriorities)
    }

    /// Whether standard error is the journal (systemd.exec(5), JOURNAL_STREAM).
    package static var isJournal: Bool { getenv("JOURNAL_STREAM") != nil }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let fields = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let text = ([event.message.description] + fields).joined(separator: " ").map { $0.isNewline ? " " : $0 }
        let head = hasPriorities ? "<\(Self.priority(event.level))>" : Self.time() + " \(event.level) "
        writer.write(Array((head + "\(label): " + String(text) + "\n").utf8))
    }

    /// syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private static func time() -> String {
        var now = time_t(systemTime())
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
