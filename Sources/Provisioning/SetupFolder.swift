internal import Files
internal import Glibc
internal import Panel

/// What lies on the partition `setup`: the technician's file and those that it names.
struct SetupFolder: Sendable {
    static let file = "kazashi.toml"
    /// What Notepad makes of it where the endings of names are hidden.
    private static let own = [file, file + ".txt"]
    /// Bytes and files that are looked at, and folders in folders.
    static let mostBytes = 48 << 20
    static let mostFiles = 1_000
    private static let deepest = 3

    private let path: String

    /// - Parameter path: where it is mounted.
    init(_ path: String) { self.path = path }

    /// The path of the technician's file, by whatever name it has.
    /// - Throws: `missing`.
    func own() throws(SetupProblem) -> String {
        let there = names(in: path)
        let own = Self.own.lazy.compactMap { name in there.first { $0.lowercased() == name } }.first
        guard let own else { throw SetupProblem(.missing) }
        return path + "/" + own
    }

    /// Each file by its path below the folder, the technician's own under its proper name.
    /// - Parameter leavingOut: whether a file at the top is something else than settings.
    /// - Throws: `missing`, `tooLarge`, `unreadable`.
    func files(leavingOut: (String) -> Bool) throws(SetupProblem) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        var bytes = 0
        try collect("", 0, leavingOut, &found, &bytes)
        let own = String(try own().dropFirst(path.utf8.count + 1))
        guard let text = found.removeValue(forKey: own) else { throw SetupProblem(.missing) }
        found[Self.file] = text
        return found
    }

    private func collect(
        _ prefix: String, _ depth: Int, _ leavingOut: (String) -> Bool, _ found: inout [String: [UInt8]],
        _ bytes: inout Int
    ) throws(SetupProblem) {
        for name in names(in: path + "/" + prefix) where !name.hasPrefix(".") {
            let relative = prefix + name
            var information = stat()
            guard depth > 0 || !leavingOut(name) else { continue }
            guard lstat(path + "/" + relative, &information) == 0 else { throw SetupProblem(.unreadable, relative) }
            switch information.st_mode & S_IFMT {
            case S_IFDIR:
                guard depth < Self.deepest else { throw SetupProblem(.tooLarge, relative) }
                try collect(relative + "/", depth + 1, leavingOut, &found, &bytes)
            case S_IFREG:
                // Its size first: nothing is read that is too much.
                guard information.st_size <= Self.mostBytes - bytes, found.count < Self.mostFiles else {
                    throw SetupProblem(.tooLarge, relative)
                }
                guard let content = readFile(path + "/" + relative) else { throw SetupProblem(.unreadable, relative) }
                bytes += content.count
                found[relative] = content
            default: continue
            }
        }
    }
}
