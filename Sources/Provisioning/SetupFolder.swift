internal import Files
internal import Glibc
internal import Panel
internal import Settings

/// What lies on the partition `setup`: the technician's file and those that it names. Everything else there stays there.
struct SetupFolder: Sendable {
    static let file = "kazashi.toml"
    /// What Notepad makes of it where the endings of names are hidden.
    private static let own = [file, file + ".txt", file + ".toml"]
    static let mostText = 1 << 20
    static let mostSecret = 64 << 10
    /// Bytes and files that are taken, and folders in folders.
    static let mostBytes = 48 << 20
    static let mostFiles = 1_000
    private static let deepest = 3

    private let path: String

    /// - Parameter path: where it is mounted.
    init(_ path: String) { self.path = path }

    /// The path of the technician's file, by whatever name it has.
    /// - Throws: `missing`, `wrong` where there are two, `tooLarge`.
    func own() throws(SetupProblem) -> String {
        let there = names(in: path).filter { Self.own.contains($0.lowercased()) }
        guard let name = there.first else { throw SetupProblem(.missing) }
        guard there.count == 1 else {
            throw SetupProblem(.wrong, "there are \(there.joined(separator: " and ")): leave one of them")
        }
        guard let size = size(of: name), size <= Self.mostText else { throw SetupProblem(.tooLarge, name) }
        return path + "/" + name
    }

    /// A secret that lies here; nil when it does not.
    /// - Throws: `tooLarge`, `unreadable`.
    func secret(_ name: String) throws(SetupProblem) -> [UInt8]? {
        guard let size = size(of: name) else { return nil }
        guard size <= Self.mostSecret else { throw SetupProblem(.tooLarge, name) }
        guard let bytes = readFile(path + "/" + name) else { throw SetupProblem(.unreadable, name) }
        return bytes
    }

    /// Nil for what is not a file.
    private func size(of name: String) -> Int? {
        var information = stat()
        guard lstat(path + "/" + name, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
        return information.st_size
    }

    /// What a configuration names, by the paths under which it names them.
    /// - Parameter paths: files and folders, without `..` in them; one that is not there is left for the check to name.
    /// - Throws: `tooLarge`, `unreadable`.
    func files(at paths: [String]) throws(SetupProblem) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        var bytes = 0
        for path in paths { try collect(path, 0, &found, &bytes) }
        return found
    }

    private func collect(_ name: String, _ depth: Int, _ found: inout [String: [UInt8]], _ bytes: inout Int)
        throws(SetupProblem)
    {
        var information = stat()
        guard found[name] == nil, lstat(path + "/" + name, &information) == 0 else { return }
        switch information.st_mode & S_IFMT {
        case S_IFDIR:
            guard depth < Self.deepest else { throw SetupProblem(.tooLarge, name) }
            for inner in names(in: path + "/" + name) where !inner.hasPrefix(".") {
                try collect(name + "/" + inner, depth + 1, &found, &bytes)
            }
        case S_IFREG:
            // Its size first: nothing is read that is too much.
            guard information.st_size <= Self.mostBytes - bytes, found.count < Self.mostFiles else {
                throw SetupProblem(.tooLarge, name)
            }
            guard let content = readFile(path + "/" + name) else { throw SetupProblem(.unreadable, name) }
            bytes += content.count
            found[name] = content
        default: return
        }
    }
}
