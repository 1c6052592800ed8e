internal import CLinux
internal import Glibc

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(_ name: String, _ run: @escaping @Sendable () -> Void) { (self.name, self.run) = (name, run) }
}

/// Runs `body`, which may block, on a thread of its own.
/// - Parameter name: shown by `ps -L`; its first 15 characters.
/// - Returns: false when there is no thread to be had.
package func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    var thread = pthread_t()
    let passed = Unmanaged.passRetained(ThreadBody(name, body))
    let status = pthread_create(
        &thread, nil,
        { raw in
            guard let raw else { return nil }
            let body = Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue()
            kz_name_this_thread(String(body.name.prefix(15)))
            body.run()
            return nil
        }, passed.toOpaque())
    guard status == 0 else {
        passed.release()
        return false
    }
    pthread_detach(thread)
    return true
}
