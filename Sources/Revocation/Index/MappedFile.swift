internal import Files
internal import Glibc

/// A file's bytes, mapped and only read. A file of the store is never changed in place, only replaced by another, so what
/// is mapped stays as it was. (Whoever truncates one under a running kiosk ends it by SIGBUS.)
final class MappedFile: @unchecked Sendable {
    // Immutable, and unmapped only when nobody holds it.
    private let start: UnsafeRawPointer
    let count: Int

    /// - Throws: `storeDamaged` for an empty file, `storeUnavailable` when it can't be mapped.
    init(descriptor: Int32) throws(RevocationError) {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw RevocationError(.storeUnavailable, "the index cannot be read (\(systemError()))")
        }
        guard information.st_size > 0 else { throw RevocationError(.storeDamaged, "the index is empty") }
        let map = mmap(nil, Int(truncatingIfNeeded: information.st_size), PROT_READ, MAP_SHARED, descriptor, 0)
        guard let map, map != MAP_FAILED else {
            throw RevocationError(.storeUnavailable, "the index cannot be mapped (\(systemError()))")
        }
        start = UnsafeRawPointer(map)
        count = Int(truncatingIfNeeded: information.st_size)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: start), count) }

    /// - Parameter range: within the file; the span checks it.
    func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(RawSpan(_unsafeStart: start, byteCount: count).extracting(range))
    }
}
