package import Cryptography
internal import Glibc
internal import Synchronization

/// The lists that a kiosk serves: an index for each issuer key and scope, in one folder, and the memory of their numbers.
/// A list is in it whole, under a verified signature, or not at all, whenever the power goes.
package final class RevocationStore: Sendable {
    package let folder: String
    private let memory: Mutex<NumberMemory>
    private static let ending = ".index"
    private static let issuerEnding = ".issuer"

    /// What is in the folder and can't be served.
    package struct Problem: Sendable, Equatable {
        package let file: String
        package let error: TrustError
    }

    /// What a store held when it was opened.
    package struct Contents: Sendable {
        package var lists: [RevocationList] = []
        package var problems: [Problem] = []
    }

    /// - Parameter folder: made when it is not there; nobody else may read it.
    /// - Throws: `storeUnavailable`.
    package init(folder: String) throws(TrustError) {
        self.folder = folder
        memory = Mutex(NumberMemory(path: folder + "/numbers"))
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw TrustError(.storeUnavailable, "\(folder) can not be made (\(systemError()))")
        }
    }

    /// Opens every index. One that is not as it was written is a problem, and served to nobody.
    package func open() -> Contents {
        var contents = Contents()
        for name in storeNames(in: folder) where name.hasSuffix(Self.ending) {
            do throws(TrustError) {
                contents.lists.append(try openList(name))
            } catch {
                contents.problems.append(Problem(file: name, error: error))
            }
        }
        let damaged = memory.withLock { memory -> TrustError? in
            do throws(TrustError) {
                try memory.refresh()
                guard memory.damaged > 0 else { return nil }
                return TrustError(.storeDamaged, "\(memory.damaged) remembered CRL numbers are not as they were written")
            } catch {
                return error
            }
        }
        if let damaged { contents.problems.append(Problem(file: "numbers", error: damaged)) }
        return contents
    }

    private func openList(_ name: String) throws(TrustError) -> RevocationList {
        let descriptor = Glibc.open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TrustError(.storeUnavailable, "the index can not be opened (\(systemError()))")
        }
        defer { close(descriptor) }
        let list = RevocationList(index: try RevocationIndex(descriptor: descriptor))
        guard list.id.hexText + Self.ending == name else {
            throw TrustError(.storeDamaged, "the index bears another one's name")
        }
        return list
    }

    /// Changes whenever a list is taken or removed, by whatever process.
    package var stamp: [Int] {
        var information = stat()
        guard stat(folder, &information) == 0 else { return [] }
        return [information.st_mtim.tv_sec, information.st_mtim.tv_nsec, Int(information.st_ino)]
    }

    /// The certificates under which lists were taken, DER.
    package func issuers() -> [[UInt8]] {
        storeNames(in: folder).filter { $0.hasSuffix(Self.issuerEnding) }.compactMap { StoreFile.read(folder + "/" + $0) }
    }

    /// Removes indexes that are not as they were written, every block looked at; their numbers stay in memory, so the
    /// same list can be taken again and no older one.
    /// - Returns: how many.
    @discardableResult
    package func removeDamaged() throws(TrustError) -> Int {
        let lock = try StoreLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        var removed = 0
        for name in storeNames(in: folder) where name.hasSuffix(Self.ending) {
            do throws(TrustError) {
                try openList(name).index.checkWhole()
            } catch {
                guard error.code == .storeDamaged, unlink(folder + "/" + name) == 0 else { continue }
                removed += 1
            }
        }
        return removed
    }

    // MARK: Taking a list

    /// Where the serials of a list wait that do not fit into memory.
    package var scratch: ScratchFolder { ScratchFolder(folder) }

    /// What became of a list.
    package enum Outcome: Sendable {
        case taken(RevocationList)
        /// The same list is served already.
        case already(RevocationList)
    }

    /// Takes a list: verifies it, writes its index beside the one that is served, remembers its number, and only then
    /// replaces that one.
    /// - Throws: `crlUnusable`, `crlRollback`, `storeUnavailable`; what was served is served still.
    package func take(_ list: UnverifiedRevocationList, authorities: [X509Certificate]) throws(TrustError) -> Outcome {
        guard let signer = list.signer(among: authorities) else {
            throw TrustError(.crlUnusable, "the list's signature is by none of the issuers that were given")
        }
        let issuerKey = sha256(signer.publicKeyInfo)
        let id = list.fields.id(issuerKey: issuerKey)
        let remembered = RememberedList(id: id, fields: list.fields, digest: list.digest)
        if let served = try check(remembered) { return .already(served) }
        let new = try start(id.hexText + Self.ending)
        try list.writeIndex(to: new.descriptor, signer: signer)
        let index = try RevocationIndex(descriptor: new.descriptor)
        let issuerFile = folder + "/" + issuerKey.hexText + Self.issuerEnding
        let lock = try StoreLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        // Another process may have taken one meanwhile.
        if let served = try check(remembered) { return .already(served) }
        if StoreFile.read(issuerFile) != signer.der { try StoreFile.replace(issuerFile, with: signer.der) }
        try remember(remembered)
        try new.commit()
        return .taken(RevocationList(index: index))
    }

    private func start(_ name: String) throws(TrustError) -> NewFile {
        let lock = try StoreLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        NewFile.removeLeftovers(in: folder)
        return try NewFile(for: folder + "/" + name)
    }

    /// - Returns: the list that is served, when it is this one.
    private func check(_ list: RememberedList) throws(TrustError) -> RevocationList? {
        let before = try locked { memory throws(TrustError) in
            try memory.refresh()
            return memory[list.id]
        }
        guard let before, try list.follows(before) else { return nil }
        guard let served = try? openList(list.id.hexText + Self.ending), served.index.about.digest.starts(with: list.digest),
            (try? served.index.checkWhole()) != nil
        else { return nil }
        return served
    }

    private func remember(_ list: RememberedList) throws(TrustError) {
        try locked { memory throws(TrustError) in try memory.remember(list) }
    }

    private func locked<Value: Sendable>(_ body: (inout NumberMemory) throws(TrustError) -> Value) throws(TrustError)
        -> Value
    {
        let result = memory.withLock { memory -> Result<Value, TrustError> in
            do throws(TrustError) { return .success(try body(&memory)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension RevocationListFields {
    /// Names issuer key, scope and kind: what numbers are counted by. 16 bytes.
    func id(issuerKey: [UInt8]) -> [UInt8] {
        Array(sha256(issuerKey + [baseNumber == nil ? 0 : 1] + scope.canonicalBytes).prefix(16))
    }
}

extension RevocationList {
    package var id: [UInt8] { fields.id(issuerKey: issuerKey) }
}

extension IssuingDistributionPoint {
    /// The same for every way of writing the same scope.
    fileprivate var canonicalBytes: [UInt8] {
        let flags = [onlyUserCertificates, onlyCACertificates, onlyAttributeCertificates, isIndirect]
        var bytes = flags.map { $0 ? 1 : 0 as UInt8 }
        bytes.appendLittleEndian(reasons.rawValue)
        for name in names.map(\.canonicalBytes).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            bytes.appendLittleEndian(UInt32(name.count))
            bytes += name
        }
        return bytes
    }
}
