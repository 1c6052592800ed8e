internal import Glibc

/// The whole of a file, nil when it can't be read.
package func readFile(_ path: String) -> [UInt8]? { readAll(open(path, O_RDONLY | O_CLOEXEC)) }

/// The whole of standard input. It is not opened anew: a pipe may be another user's.
package func readStandardInput() -> [UInt8]? { readAll(dup(STDIN_FILENO)) }

private func readAll(_ descriptor: Int32) -> [UInt8]? {
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT != S_IFDIR else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return bytes }
        bytes += buffer.prefix(count)
    }
}

/// `path` itself when it is a file; the files in it, by name, when it is a folder.
func filesUnder(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [path] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var information = stat()
        guard !name.hasPrefix("."), stat(path + "/" + name, &information) == 0,
            information.st_mode & S_IFMT == S_IFREG
        else { continue }
        names.append(path + "/" + name)
    }
    return names.sorted()
}
