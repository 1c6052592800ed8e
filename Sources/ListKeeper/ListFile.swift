package import Cryptography
package import Files
internal import Glibc
package import Revocation

/// A file or pipe of lists that can't be read.
package struct UnreadableList: Error, Sendable {
    package let file: String
    /// The system's number.
    package let errno: Int32
}

/// Reads the lists of a file, a pipe or (`-`) standard input once, and holds no more of them than a buffer.
/// - Parameters:
///   - onlyFiles: a pipe is not waited for, nor is any other kind of file: somebody else put it there.
///   - progress: told of the bytes so far, and of all where that is known, after each buffer.
///   - each: told of each list at its end.
/// - Returns: false when it ended within a list of PEM: more of it may be missing.
/// - Throws: `UnreadableList`, `RevocationError`, what `each` throws, and `CancellationError` between two buffers of a
///   cancelled task.
@discardableResult
package func readLists(
    _ file: String, scratch: ScratchFolder = .temporary, engine: DigestEngine = .fastest, onlyFiles: Bool = false,
    progress: (_ taken: Int, _ of: Int?) -> Void = { _, _ in }, each: @escaping ListIntake.Consumer
) throws -> Bool {
    let descriptor =
        file == "-" ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | (onlyFiles ? O_NONBLOCK : 0))
    guard descriptor >= 0 else { throw UnreadableList(file: file, errno: errno) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw UnreadableList(file: file, errno: errno) }
    let isFile = information.st_mode & S_IFMT == S_IFREG
    guard isFile || !onlyFiles else { throw UnreadableList(file: file, errno: EINVAL) }
    guard !isFile || information.st_size <= ListIntake.most else { throw ListIntake.tooLong }
    var intake = ListIntake(scratch: scratch, engine: engine, each: each)
    var failure: Int32?
    while try intake.fill({ room in
        while true {
            let count = read(descriptor, room.baseAddress, room.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { failure = errno }
            return max(0, count)
        }
    }) {
        try Task.checkCancellation()
        progress(intake.taken, intake.expected)
    }
    if let failure { throw UnreadableList(file: file, errno: failure) }
    return try intake.finish()
}
