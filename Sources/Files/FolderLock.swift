internal import Glibc

/// Held while a folder is changed, by one process at a time; gone with the process.
package final class FolderLock {
    private let descriptor: Int32

    /// Nothing else ends a blocking flock, so it is asked for again and again, on the caller's own thread.
    /// - Parameter patience: how long another process may hold it; it does for milliseconds.
    /// - Throws: `held`, `unwritable`.
    package init(folder: String, patience: Duration) throws(FilesError) {
        let path = folder + "/lock"
        let made = try Ownership.create(path, flags: O_RDWR)
        descriptor = made ?? open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw FilesError(.unwritable, path) }
        let deadline = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, .now < deadline else {
                close(descriptor)
                throw FilesError(.held, folder, errno: 0)
            }
            usleep(5_000)
        }
    }

    deinit { close(descriptor) }
}
