internal import Files
internal import FoundationEssentials
internal import Glibc

/// What was taken from where, so that a file is read and a list fetched once: in the store's folder, and of no
/// consequence when it is lost.
package struct SourceMemory: Codable, Equatable {
    package struct File: Codable, Equatable {
        let inode: UInt64
        let size: Int64
        let seconds, nanoseconds: Int

        /// Nil when there is no such file.
        package init?(_ path: String) {
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
            inode = UInt64(truncatingIfNeeded: information.st_ino)
            size = Int64(truncatingIfNeeded: information.st_size)
            (seconds, nanoseconds) = (information.st_mtim.tv_sec, information.st_mtim.tv_nsec)
        }
    }
    struct Taken<Version: Codable & Equatable>: Codable, Equatable {
        var version: Version
        /// The lists that came of it, by id: hex.
        var lists: [String]
    }
    var files: [String: Taken<File>] = [:]
    var urls: [String: Taken<ListDownload.Validators>] = [:]

    static func load(_ path: String) -> SourceMemory {
        guard let bytes = readFile(path),
            let memory = try? JSONDecoder().decode(SourceMemory.self, from: Data(bytes))
        else { return SourceMemory() }
        return memory
    }

    /// False when it could not be stored.
    func store(_ path: String) -> Bool {
        guard let data = try? JSONEncoder().encode(self) else { return false }
        return (try? DurableFile.replace(path, with: Array(data))) != nil
    }
}
