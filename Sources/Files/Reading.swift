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

/// Changes when the file does, or is replaced by another; nil when it can't be told, with errno set.
package func fileStamp(_ path: String) -> [Int]? {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    return [
        Int(truncatingIfNeeded: information.st_dev), Int(truncatingIfNeeded: information.st_ino),
        Int(truncatingIfNeeded: information.st_size), information.st_mtim.tv_sec, information.st_mtim.tv_nsec,
        information.st_ctim.tv_sec, information.st_ctim.tv_nsec,
    ]
}

/// The names in a folder, sorted; none when it can't be read.
package func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.sorted()
}

/// `path` itself when it is a file; the files in it, by name and without hidden ones, when it is a folder.
package func filesUnder(_ path: String) -> [String] {
    var information = stat()
    guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else { return [path] }
    return names(in: path).filter { !$0.hasPrefix(".") }.map { path + "/" + $0 }.filter { path in
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    }
}

/// The folder that a path lies in.
package func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
