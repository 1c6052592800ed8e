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
final class ScratchFile: Sendable {
    private let descriptor: Int32

    /// - Throws: `storeUnavailable` when the folder takes no file.
    init(in folder: ScratchFolder) throws(TrustError) {
        descriptor = kz_open_unnamed(folder.path)
        guard descriptor >= 0 else {
            throw TrustError(.storeUnavailable, "no file can be made in \(folder.path) (\(systemError()))")
        }
    }

    deinit { close(descriptor) }

    func write(_ bytes: RawSpan, at offset: Int) throws(TrustError) {
        try writeAll(bytes, to: descriptor, at: offset, what: "the scratch file")
    }

    func read(into bytes: inout MutableRawSpan, _ range: Range<Int>, at offset: Int) throws(TrustError) {
        var done = 0
        while done < range.count {
            let count = bytes.withUnsafeMutableBytes { room in
                let rest = UnsafeMutableRawBufferPointer(rebasing: room[range.lowerBound + done..<range.upperBound])
                return pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw TrustError(.storeUnavailable, "the scratch file can not be read back") }
            done += count
        }
    }
}

/// Writes all of `bytes`; the words name no more than the system's error and what was written.
func writeAll(_ bytes: RawSpan, to descriptor: Int32, at offset: Int, what: String) throws(TrustError) {
    var done = 0
    while done < bytes.byteCount {
        let count = bytes.extracting(done..<bytes.byteCount).withUnsafeBytes {
            pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + done))
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw TrustError(.storeUnavailable, "\(what) can not be written (\(systemError()))") }
        done += count
    }
}

func systemError() -> String { String(cString: strerror(errno)) }
