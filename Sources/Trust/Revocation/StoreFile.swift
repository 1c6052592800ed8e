internal import CLinux
internal import Glibc

/// Files read whole and replaced whole, durably: the store's, and the kiosk's own beside it.
package enum StoreFile {
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { room in
                pread(descriptor, room.baseAddress.map { $0 + done }, room.count - done, off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            done += count
        }
        return bytes
    }

    /// Changes with the file; nil when it can't be told, with errno set.
    static func stamp(_ path: String) -> [Int]? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return [
            Int(information.st_size), Int(information.st_ino), information.st_mtim.tv_sec, information.st_mtim.tv_nsec,
        ]
    }

    static func write(_ bytes: [UInt8], at offset: Int, of path: String) throws(TrustError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unavailable(path) }
        defer { close(descriptor) }
        try writeAll(bytes.span.bytes, to: descriptor, at: offset, what: name(path))
        guard fdatasync(descriptor) == 0 else { throw unavailable(path) }
    }

    /// Written beside it and renamed, for everybody to read. It is not synchronised: what it says is soon said anew.
    /// - Throws: `storeUnavailable`.
    package static func publish(_ path: String, _ bytes: [UInt8]) throws(TrustError) {
        let new = try NewFile(for: path)
        try writeAll(bytes.span.bytes, to: new.descriptor, at: 0, what: name(path))
        guard fchmod(new.descriptor, 0o644) == 0 else { throw unavailable(path) }
        try new.takePlace()
    }

    /// Written beside it, synchronised, renamed: the file is the old one or the new one whenever the power goes.
    /// - Throws: `storeUnavailable`.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(TrustError) {
        let new = try NewFile(for: path)
        try writeAll(bytes.span.bytes, to: new.descriptor, at: 0, what: name(path))
        try new.synchronise()
        try new.takePlace()
        try NewFile.synchronise(folder: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
    }

    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    fileprivate static func unavailable(_ path: String) -> TrustError {
        TrustError(.storeUnavailable, "\(path) can not be written (\(systemError()))")
    }
}

/// A file that takes another's place once it is whole. It is locked while it is written, so what a killed process left
/// behind can be told from what is being written.
final class NewFile {
    let descriptor: Int32
    private let path, temporary: String
    private var isCommitted = false
    private static let ending = ".new"

    /// - Throws: `storeUnavailable`.
    init(for path: String) throws(TrustError) {
        self.path = path
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        while true {
            let name = ".\(path[slash...])-\(getpid())-\(UInt32.random(in: 0...UInt32.max))\(Self.ending)"
            let temporary = path[..<slash] + name
            let descriptor = open(String(temporary), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw StoreFile.unavailable(String(temporary)) }
            var information = stat()
            // Between the two calls it looked left behind, and may be gone.
            if flock(descriptor, LOCK_EX) == 0, fstat(descriptor, &information) == 0, information.st_nlink > 0 {
                (self.descriptor, self.temporary) = (descriptor, String(temporary))
                return
            }
            close(descriptor)
        }
    }

    deinit {
        if !isCommitted { unlink(temporary) }
        close(descriptor)
    }

    /// Returns when the file is on the disk.
    func synchronise() throws(TrustError) {
        guard fsync(descriptor) == 0 else { throw StoreFile.unavailable(path) }
    }

    /// Returns when everything of the file's file system is on the disk.
    func synchroniseAll() throws(TrustError) {
        guard kz_synchronise_file_system(descriptor) == 0 else { throw StoreFile.unavailable(path) }
    }

    /// Takes the other's place; durable once the folder is synchronised.
    func takePlace() throws(TrustError) {
        guard rename(temporary, path) == 0 else { throw StoreFile.unavailable(path) }
        isCommitted = true
    }

    static func synchronise(folder path: String) throws(TrustError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw StoreFile.unavailable(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw StoreFile.unavailable(path) }
    }

    /// Removes what killed processes left in `folder`.
    static func removeLeftovers(in folder: String) {
        for name in storeNames(in: folder) where name.hasPrefix(".") && name.hasSuffix(ending) {
            let descriptor = open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(folder + "/" + name) }
            close(descriptor)
        }
    }
}

/// The names of a folder's files.
func storeNames(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.sorted()
}

/// Held while the store is changed, by one process at a time; gone with the process.
final class StoreLock {
    private let descriptor: Int32

    /// Nothing else ends a blocking flock, so it is asked for again and again, on the caller's own thread.
    /// - Parameter patience: how long another process may hold it; it does for milliseconds.
    /// - Throws: `storeUnavailable`.
    init(folder: String, patience: Duration) throws(TrustError) {
        descriptor = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreFile.unavailable(folder + "/lock") }
        let deadline = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, .now < deadline else {
                close(descriptor)
                throw TrustError(.storeUnavailable, "another process holds the store")
            }
            usleep(5_000)
        }
    }

    deinit { close(descriptor) }
}
