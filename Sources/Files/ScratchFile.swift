internal import CLinux
internal import Glibc

/// Where files without a name may be made: they are gone when their descriptor is, whatever happens to the process.
package struct ScratchFolder: Sendable {
    let path: String

    package init(_ path: String) { self.path = path }

    /// `TMPDIR`, or /tmp: for checks that have no store.
    package static var temporary: ScratchFolder {
        ScratchFolder(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
    }
}

/// A file without a name, written at its end and read anywhere.
package final class ScratchFile: Sendable {
    private let descriptor: Int32
    private let folder: String

    /// - Throws: `unwritable` when the folder takes no file.
    package init(in folder: ScratchFolder) throws(FilesError) {
        self.folder = folder.path
        descriptor = kz_open_unnamed(folder.path)
        guard descriptor >= 0 else { throw FilesError(.unwritable, folder.path) }
    }

    deinit { close(descriptor) }

    /// - Throws: `unwritable`.
    package func write(_ bytes: RawSpan, at offset: Int) throws(FilesError) {
        try writeAll(bytes, to: descriptor, at: offset, of: folder)
    }

    /// - Throws: `unreadable`.
    package func read(into bytes: inout MutableRawSpan, _ range: Range<Int>, at offset: Int) throws(FilesError) {
        var done = 0
        while done < range.count {
            let count = bytes.withUnsafeMutableBytes { room in
                let rest = UnsafeMutableRawBufferPointer(rebasing: room[range.lowerBound + done..<range.upperBound])
                return pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FilesError(.unreadable, folder) }
            done += count
        }
    }
}
