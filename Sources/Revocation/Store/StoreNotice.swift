internal import Certificates
internal import Files
internal import Glibc

/// What was done to a store that its kiosk's journal has not told of yet: a file beside the lists, so that a kiosk that
/// runs and one that starts later both say it, once.
package enum StoreNotice: Hashable, Sendable {
    /// An operator made it forget a list and its number.
    case forgotten(id: String)
    /// Its memory of CRL numbers was damaged, and made anew.
    case numbersRebuilt

    fileprivate static let forgotten = ".forgotten"
    fileprivate static let rebuilt = "numbers.rebuilt"

    fileprivate var file: String {
        switch self {
        case .forgotten(let id): id + Self.forgotten
        case .numbersRebuilt: Self.rebuilt
        }
    }
}

extension RevocationStore {
    /// Notices that nobody has removed yet.
    package func notices() -> [StoreNotice] {
        names(in: folder).compactMap { name in
            if name == StoreNotice.rebuilt { return .numbersRebuilt }
            guard name.hasSuffix(StoreNotice.forgotten) else { return nil }
            return .forgotten(id: String(name.dropLast(StoreNotice.forgotten.count)))
        }
    }

    /// The journal has told of it.
    package func remove(_ notice: StoreNotice) { unlink(folder + "/" + notice.file) }

    func leave(_ notice: StoreNotice) throws(RevocationError) {
        try onDisk { () throws(FilesError) in try DurableFile.replace(folder + "/" + notice.file, with: []) }
    }
}
