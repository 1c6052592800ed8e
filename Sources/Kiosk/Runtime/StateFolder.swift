internal import Glibc

/// Whether the state folder can take anything at all; asked without writing.
package enum StateFolder {
    /// Less is full: the database and its journal want more than a block.
    private static let least: UInt64 = 1 << 20

    package static func isWritable(_ path: String) -> Bool { room(path) >= least }

    static func isReadOnly(_ path: String) -> Bool {
        var information = statvfs()
        return statvfs(path, &information) == 0 && information.f_flag & UInt(ST_RDONLY) != 0
    }

    /// Bytes that it still takes; none where it is read-only, or not there.
    package static func room(_ path: String) -> UInt64 {
        var information = statvfs()
        guard statvfs(path, &information) == 0, information.f_flag & UInt(ST_RDONLY) == 0 else { return 0 }
        return UInt64(information.f_bavail) * UInt64(information.f_frsize)
    }
}
