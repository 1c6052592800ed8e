internal import Files
internal import Glibc

/// Who owns a secret's file and who may read it, against who must: the kiosk's user, and nobody else.
struct SecretRights {
    /// How far off it is.
    enum Verdict: Equatable {
        case right
        /// Nobody else may read it, but the kiosk's user can't either.
        case unreadable(String)
        /// Somebody else may read it.
        case exposed(String)
    }

    /// The kiosk's user: the owner of its state folder, whom root becomes.
    private let user: uid_t

    /// - Parameter state: the kiosk's folder.
    init(state: String) { user = Ownership.user(of: state) ?? geteuid() }

    /// - Returns: `right` also of what is not there: that is another problem.
    func verdict(on path: String) -> Verdict {
        var information = stat()
        guard stat(path, &information) == 0 else { return .right }
        let (owner, mode) = (information.st_uid, information.st_mode & 0o7777)
        let isOpen = mode & 0o077 != 0
        guard isOpen || owner != user else { return .right }
        let text =
            "belongs to \(Self.name(owner)), mode \(Self.octal(mode)); it must belong to \(Self.name(user)), mode 0600"
        return isOpen || owner != 0 ? .exposed(text) : .unreadable(text)
    }

    private static func octal(_ mode: mode_t) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func name(_ user: uid_t) -> String {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        // The entry's strings lie in the room: it lasts until they are copied.
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { room in
            guard let start = room.baseAddress, getpwuid_r(user, &entry, start, room.count, &found) == 0,
                found != nil, let name = entry.pw_name
            else { return "user \(user)" }
            return String(cString: name)
        }
    }
}
