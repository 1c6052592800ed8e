internal import CLinux
internal import Glibc

/// Whose a file is. The service's state belongs to its user, whoever writes there: what root puts in a file's place belongs
/// to whom that file did, and what root makes anew to the folder's owner. Anybody else's files are their own, as everywhere.
package enum Ownership {
    /// A command that root says becomes the user whose folder it works in, for the rest of the process: what stands in that
    /// folder, links above all, is that user's to choose, and may lead anywhere. Nothing happens where all is root's, and
    /// for anybody but root.
    /// - Parameter path: what is worked in; it need not be there yet.
    /// - Returns: whether it is another user now.
    /// - Throws: `unwritable`.
    @discardableResult
    package static func become(ownerOf path: String) throws(FilesError) -> Bool {
        guard geteuid() == 0, let owner = firstOwner(on: path) else { return false }
        guard kz_become(owner.user, owner.group) == 0 else { throw FilesError(.unwritable, path) }
        return true
    }

    /// Whose a path is, or will be when it is made: the first on the way from the root who is not root, or root; nil where
    /// the way can't be looked at.
    package static func user(of path: String) -> UInt32? {
        if let owner = firstOwner(on: path) { return owner.user }
        var information = stat()
        return stat(path, &information) == 0 ? information.st_uid : nil
    }

    /// The first on the way from the root whom a folder, or a link, belongs to, and who is not root.
    private static func firstOwner(on path: String) -> (user: uid_t, group: gid_t)? {
        var prefix = ""
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            prefix = String(cString: current)
            free(current)
        }
        var way = ""
        for part in (prefix + "/" + path).split(separator: "/") {
            way += "/" + part
            var information = stat()
            guard lstat(way, &information) == 0 else { return nil }
            if information.st_uid != 0 { return (information.st_uid, information.st_gid) }
        }
        return nil
    }

    /// Makes a folder when it is not there; it belongs to the owner of the folder that it is made in.
    /// - Throws: `unwritable`.
    package static func makeFolder(_ path: String, mode: UInt32) throws(FilesError) {
        guard mkdir(path, mode) == 0 else {
            guard errno == EEXIST else { throw FilesError(.unwritable, path) }
            return try refuseLink(path)
        }
        guard geteuid() == 0 else { return }
        let made = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard made >= 0 else { throw FilesError(.unwritable, path) }
        defer { close(made) }
        try give(made, toOwnerOf: folder(of: path), path)
    }

    /// Makes an empty file when there is none, for its owner alone, and leaves one that is there as it is.
    /// - Throws: `unwritable`.
    package static func makeFile(_ path: String) throws(FilesError) {
        guard let descriptor = try create(path, flags: O_WRONLY) else { return }
        close(descriptor)
    }

    /// A new file's descriptor; nil when there is one of that name. A link is not followed: another user's folder may
    /// hold one that leads to a file which is none of theirs.
    static func create(_ path: String, flags: Int32) throws(FilesError) -> Int32? {
        let isRoot = geteuid() == 0
        if isRoot { try refuseLink(folder(of: path)) }
        let descriptor = open(path, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw FilesError(.unwritable, path) }
            return nil
        }
        guard isRoot else { return descriptor }
        do throws(FilesError) {
            try give(descriptor, toOwnerOf: folder(of: path), path)
        } catch {
            unlink(path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Gives a new file to the owner of the one whose place it takes. Where there is none, and where that one is root's in
    /// somebody else's folder, which nobody wanted so, it stays the folder's.
    static func give(_ descriptor: Int32, toOwnerOfFile file: String) throws(FilesError) {
        var information = stat()
        guard geteuid() == 0, lstat(file, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            information.st_uid != 0
        else { return }
        try give(descriptor, toOwnerOf: file, file)
    }

    /// Root goes through no link of somebody else's.
    private static func refuseLink(_ folder: String) throws(FilesError) {
        var information = stat()
        guard geteuid() == 0, lstat(folder, &information) == 0, information.st_mode & S_IFMT == S_IFLNK,
            information.st_uid != 0
        else { return }
        throw FilesError(.unwritable, folder, errno: ELOOP)
    }

    private static func give(_ descriptor: Int32, toOwnerOf model: String, _ path: String) throws(FilesError) {
        guard geteuid() == 0 else { return }
        var information = stat()
        guard lstat(model, &information) == 0 else { throw FilesError(.unwritable, path) }
        // What root makes is root's already.
        guard information.st_uid != 0 || information.st_gid != getegid() else { return }
        guard fchown(descriptor, information.st_uid, information.st_gid) == 0 else {
            throw FilesError(.unwritable, path)
        }
    }
}
