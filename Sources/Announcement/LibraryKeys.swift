internal import Files
internal import SecurityEvents
internal import Synchronization

/// A library's keys as its files name them now. They are read again when a file has changed; a file that can't be used,
/// such as one that is half written, leaves the keys that were good.
final class LibraryKeys: Sendable {
    struct Version: Sendable {
        let suite: Suite
        /// Goes up whenever the files were read.
        let number: Int
    }

    private struct State {
        var version: Version
        /// Of the files when they were read last with success; nil: they never were, since somebody else read them.
        var stamps: [[Int]?]?
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
        return read { $0.stamps != $1 }
    }

    /// The keys, read again whatever the files look like: the library says that it has others.
    func renewed() -> Version { read { _, _ in true } }

    private func read(when isWanted: (State, [[Int]?]) -> Bool) -> Version {
        state.withLock { state in
            // Looked at before they are read: what is written meanwhile is read the next time.
            let stamps = files.map { fileStamp($0) }
            if isWanted(state, stamps) {
                // Once for each state of the files, also where they can't be used.
                state.stamps = stamps
                guard let suite = reread() else { return state.version }
                state.version = Version(suite: suite, number: state.version.number &+ 1)
            }
            return state.version
        }
    }
}
