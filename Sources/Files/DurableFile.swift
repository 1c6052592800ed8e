internal import CLinux
internal import Glibc

/// Files that are replaced whole: whoever reads one sees the old bytes or the new ones, whenever the power goes. They
/// are made for their owner alone; whose they are is `Ownership`'s.
package enum DurableFile {
    /// Written beside it, synchronised, renamed, and the folder synchronised: when this returns it is on the disk.
    /// - Parameter model: a file whose owner it gets; nil: that of the one it takes the place of.
    /// - Throws: `unwritable`; what was there is there still.
    package static func replace(_ path: String, with bytes: [UInt8], like model: String? = nil) throws(FilesError) {
        let new = try NewFile(for: path)
        if let model { try Ownership.give(new.descriptor, toOwnerOfFile: model) }
        try writeAll(bytes.span.bytes, to: new.descriptor, at: 0, of: path)
        try new.synchronise()
        try new.takePlace()
        try synchronise(folder: folder(of: path))
    }

    /// Written beside it and renamed, for everybody to read. It is not synchronised: what it says is soon said anew.
    /// - Throws: `unwritable`.
    package static func publish(_ path: String, _ bytes: [UInt8]) throws(FilesError) {
        let new = try NewFile(for: path)
        try writeAll(bytes.span.bytes, to: new.descriptor, at: 0, of: path)
        guard fchmod(new.descriptor, 0o644) == 0 else { throw FilesError(.unwritable, path) }
        try new.takePlace()
    }

    /// Writes into a file that is there, and returns when that is on the disk.
    /// - Throws: `unwritable`.
    package static func write(_ bytes: [UInt8], at offset: Int, of path: String) throws(FilesError) {
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw FilesError(.unwritable, path) }
        defer { close(descriptor) }
        try writeAll(bytes.span.bytes, to: descriptor, at: offset, of: path)
        guard fdatasync(descriptor) == 0 else { throw FilesError(.unwritable, path) }
    }

    /// Returns when the names in a folder are on the disk.
    /// - Throws: `unwritable`.
    package static func synchronise(folder path: String) throws(FilesError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FilesError(.unwritable, path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FilesError(.unwritable, path) }
    }
}

/// A file that takes another's place once it is whole. It is locked while it is written, so what a killed process left
/// behind can be told from what is being written.
package final class NewFile {
    package let descriptor: Int32
    private let path, temporary: String
    private var isCommitted = false
    private static let ending = ".new"

    /// - Throws: `unwritable`.
    package init(for path: String) throws(FilesError) {
        self.path = path
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        while true {
            let name = ".\(path[slash...])-\(getpid())-\(UInt32.random(in: 0...UInt32.max))\(Self.ending)"
            let temporary = String(path[..<slash] + name)
            guard let descriptor = try Ownership.create(temporary, flags: O_RDWR) else { continue }
            var information = stat()
            // Between the two calls it looked left behind, and may be gone.
            if flock(descriptor, LOCK_EX) == 0, fstat(descriptor, &information) == 0, information.st_nlink > 0 {
                (self.descriptor, self.temporary) = (descriptor, temporary)
                try Ownership.give(descriptor, toOwnerOfFile: path)
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
    package func synchronise() throws(FilesError) {
        guard fsync(descriptor) == 0 else { throw FilesError(.unwritable, path) }
    }

    /// Returns when everything of the file's file system is on the disk.
    package func synchroniseAll() throws(FilesError) {
        guard kz_synchronise_file_system(descriptor) == 0 else { throw FilesError(.unwritable, path) }
    }

    /// Takes the other's place; durable once the folder is synchronised.
    package func takePlace() throws(FilesError) {
        guard rename(temporary, path) == 0 else { throw FilesError(.unwritable, path) }
        isCommitted = true
    }

    /// Removes what killed processes left in `folder`: `.name-process-random.new`. Others' hidden files stay.
    package static func removeLeftovers(in folder: String) {
        for name in names(in: folder) where name.hasPrefix(".") && name.hasSuffix(ending) {
            let numbers = name.dropLast(ending.count).split(separator: "-", omittingEmptySubsequences: false).suffix(2)
            guard numbers.count == 2, numbers.allSatisfy({ UInt32($0) != nil }) else { continue }
            let descriptor = open(folder + "/" + name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(folder + "/" + name) }
            close(descriptor)
        }
    }
}

/// Writes all of `bytes`.
/// - Parameter path: what the error names.
/// - Throws: `unwritable`.
package func writeAll(_ bytes: RawSpan, to descriptor: Int32, at offset: Int, of path: String) throws(FilesError) {
    var done = 0
    while done < bytes.byteCount {
        let count = bytes.extracting(done..<bytes.byteCount).withUnsafeBytes {
            pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + done))
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw FilesError(.unwritable, path) }
        done += count
    }
}
