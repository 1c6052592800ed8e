internal import Glibc
internal import Synchronization

/// A library's keys as its files name them now. They are read again when a file has changed; a file that can't be used,
/// such as one that is half written, leaves the keys that were good.
final class LibraryKeys: Sendable {
    struct Version: Sendable {
        let suite: Suite
        /// Goes up whenever the files were read.
        let number: Int
    }

    /// What tells one state of a file from another.
    private struct Mark: Equatable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        let changed: [Int]

        /// Nil: it is not there.
        init?(_ path: String) {
            var information = stat()
            guard stat(path, &information) == 0 else { return nil }
            (device, inode, size) = (information.st_dev, information.st_ino, information.st_size)
            changed = [
                information.st_mtim.tv_sec, information.st_mtim.tv_nsec, information.st_ctim.tv_sec,
                information.st_ctim.tv_nsec,
            ]
        }
    }

    private struct State {
        var version: Version
        /// Of the files when they were read last with success; nil: they never were, since somebody else read them.
        var marks: [Mark?]?
    }
    private let state: Mutex<State>
    private let files: [String]
    private let reread: @Sendable () -> Suite?

    init(of library: Library) {
        (files, reread) = (library.keyFiles, library.reread)
        state = Mutex(State(version: Version(suite: library.suite, number: 0)))
    }

    /// The keys; a look at the files costs some microseconds when nothing has changed.
    func current() -> Version {
        guard !files.isEmpty else { return state.withLock { $0.version } }
        return read { $0.marks != $1 }
    }

    /// The keys, read again whatever the files look like: the library says that it has others.
    func renewed() -> Version { read { _, _ in true } }

    private func read(when isWanted: (State, [Mark?]) -> Bool) -> Version {
        state.withLock { state in
            // Marked before they are read: what is written meanwhile is read the next time.
            let marks = files.map { Mark($0) }
            if isWanted(state, marks), let suite = reread() {
                state.version = Version(suite: suite, number: state.version.number &+ 1)
                state.marks = marks
            }
            return state.version
        }
    }
}
