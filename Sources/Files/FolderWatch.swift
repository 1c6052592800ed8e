internal import Dispatch
internal import Glibc

/// Says that files were written, moved in or removed in some folders (inotify). What happened meanwhile is one event.
package final class FolderWatch: Sendable {
    package let events: AsyncStream<Void>
    private let descriptor: Int32
    private nonisolated(unsafe) let source: (any DispatchSourceRead)?

    package init() {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        events = stream
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else {
            source = nil
            return
        }
        let descriptor = descriptor
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        source.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 16 * 1_024)
            while read(descriptor, &buffer, buffer.count) > 0 {}
            continuation.yield()
        }
        source.setCancelHandler {
            close(descriptor)
            continuation.finish()
        }
        source.resume()
        self.source = source
    }

    deinit { source?.cancel() }

    /// Watches a folder; one that is watched already is watched as before.
    /// - Returns: false when it can't be, because it is not there for instance.
    package func add(_ folder: String) -> Bool {
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR)
        return descriptor >= 0 && inotify_add_watch(descriptor, folder, mask) >= 0
    }
}
