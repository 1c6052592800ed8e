internal import Dispatch
internal import Files
internal import Glibc

/// What a service listens for, as one stream: signals, a file that changed, and a tick.
package final class ProcessEvents: Sendable {
    package enum Event: Sendable, Equatable {
        /// SIGTERM or SIGINT.
        case end
        /// SIGHUP.
        case reload
        /// Something was written or moved into the folder that is watched.
        case changed
        case tick
        /// Only another start can mend what lasts.
        case anew
    }
    package let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    // Held for as long as signals are to be heard.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    package init() {
        let (stream, continuation) = AsyncStream<Event>.makeStream()
        (self.stream, self.continuation) = (stream, continuation)
        sources = [(SIGTERM, Event.end), (SIGINT, .end), (SIGHUP, .reload)].map { number, event in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(event) }
            source.resume()
            return source
        }
    }

    package func post(_ event: Event) { continuation.yield(event) }

    /// Adds ticks and a file's changes until the task is cancelled.
    package func watch(_ file: String, tick: Duration) async {
        let watch = FolderWatch()
        _ = watch.add(folder(of: file))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [continuation] in
                for await _ in watch.events { continuation.yield(.changed) }
            }
            group.addTask { [continuation] in
                while (try? await Task.sleep(for: tick)) != nil { continuation.yield(.tick) }
            }
            await group.waitForAll()
        }
    }
}
