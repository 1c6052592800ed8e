internal import Files
internal import Glibc

/// The settings that serve, on the data partition: a link, `settings`, leads to the folder that was adopted last. It changes in
/// one step, so that whenever the power goes the old ones serve or the new.
struct SettingsStore: Sendable {
    /// Where the image's keys lie; every folder of settings leads there.
    static let credentials = "credentials"

    let path: String
    /// What serves before anything was adopted.
    let shipped: String
    var link: String { path + "/settings" }

    init(_ path: String, shipped: String) { (self.path, self.shipped) = (path, shipped) }

    /// The folder that serves; nil: none was adopted yet.
    var adopted: String? {
        let target = (try? readLink()) ?? ""
        guard !target.isEmpty, target != shipped, access(link + "/" + SetupFolder.file, R_OK) == 0 else { return nil }
        return link
    }

    private func readLink() throws(FilesError) -> String {
        var room = [CChar](repeating: 0, count: 4_096)
        let count = readlink(link, &room, room.count)
        guard count > 0 else { throw FilesError(.unreadable, link) }
        return String(decoding: room.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Makes the store, and lets the image's own settings serve where none were adopted.
    /// - Throws: `unwritable`.
    func prepare() throws(FilesError) {
        for (folder, mode) in [(path, 0o755), (path + "/" + Self.credentials, 0o700), (path + "/secrets", 0o700)]
            as [(String, mode_t)]
        {
            guard mkdir(folder, mode) == 0 || errno == EEXIST, chmod(folder, mode) == 0 else {
                throw FilesError(.unwritable, folder)
            }
        }
        if adopted == nil { try lead(to: shipped) }
    }

    /// Whether these files, and no others, are the ones that serve.
    func serves(_ files: [String: [UInt8]]) -> Bool {
        guard let adopted else { return false }
        var count = 0
        return below(adopted) { name in
            count += 1
            return files[name] == readFile(adopted + "/" + name)
        } && count == files.count
    }

    /// Whether something holds for every file of a folder, and of those in it; for none of an endless chain.
    private func below(_ folder: String, _ prefix: String = "", _ holds: (String) -> Bool) -> Bool {
        names(in: folder + "/" + prefix).filter { $0 != "." && $0 != ".." }.allSatisfy { name in
            var information = stat()
            guard lstat(folder + "/" + prefix + name, &information) == 0 else { return false }
            switch information.st_mode & S_IFMT {
            case S_IFDIR: return below(folder, prefix + name + "/", holds)
            case S_IFLNK: return prefix.isEmpty && name == Self.credentials
            default: return holds(prefix + name)
            }
        }
    }

    /// Writes files that may be adopted.
    /// - Returns: their folder.
    /// - Throws: `unwritable`.
    func stage(_ files: [String: [UInt8]]) throws(FilesError) -> String {
        let staged = path + "/settings-\(UInt32.random(in: 0...UInt32.max))"
        guard mkdir(staged, 0o755) == 0 else { throw FilesError(.unwritable, staged) }
        for (name, bytes) in files {
            var below = staged
            for part in name.split(separator: "/").dropLast() {
                below += "/" + part
                guard mkdir(below, 0o755) == 0 || errno == EEXIST else { throw FilesError(.unwritable, below) }
            }
            try DurableFile.replace(staged + "/" + name, with: bytes)
            guard chmod(staged + "/" + name, 0o644) == 0 else { throw FilesError(.unwritable, staged + "/" + name) }
        }
        // Last, and where nothing is: no file is ever written through it.
        guard symlink(path + "/" + Self.credentials, staged + "/" + Self.credentials) == 0 else {
            throw FilesError(.unwritable, staged)
        }
        return staged
    }

    /// Lets staged files serve.
    /// - Throws: `unwritable`; what served, serves.
    func adopt(_ staged: String) throws(FilesError) {
        try DurableFile.synchronise(folder: staged)
        try lead(to: staged)
    }

    private func lead(to folder: String) throws(FilesError) {
        let new = link + ".new"
        unlink(new)
        guard symlink(folder, new) == 0, rename(new, link) == 0 else { throw FilesError(.unwritable, link) }
        try DurableFile.synchronise(folder: path)
    }

    /// Removes staged folders that do not serve.
    func tidy() {
        let serving = try? readLink()
        for name in names(in: path) where name.hasPrefix("settings-") && path + "/" + name != serving {
            remove(path + "/" + name)
        }
    }

    private func remove(_ folder: String) {
        for name in names(in: folder) where name != "." && name != ".." {
            let file = folder + "/" + name
            var information = stat()
            // A link is removed, never followed.
            if lstat(file, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
                remove(file)
            } else {
                unlink(file)
            }
        }
        rmdir(folder)
    }
}
