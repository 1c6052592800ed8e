internal import Certificates
package import Clock
internal import Cryptography
package import Files
internal import Glibc
internal import Synchronization

/// The lists that a kiosk serves: an index for each issuer key and scope, in one folder, and the memory of their numbers.
/// A list is in it whole, under a verified signature, or not at all, whenever the power goes.
package final class RevocationStore: Sendable {
    package let folder: String
    private let memory: Mutex<NumberMemory>
    private let isSwept = Mutex(false)
    private let patience: Duration
    private static let ending = ".index"
    private static let issuerEnding = ".issuer"

    /// What is in the folder and can't be served.
    package struct Problem: Sendable, Equatable {
        package let file: String
        package let error: RevocationError
    }

    /// What a store held when it was opened.
    package struct Contents: Sendable {
        package var lists: [RevocationList] = []
        package var problems: [Problem] = []
    }

    /// - Parameters:
    ///   - folder: made when it is not there; nobody else may read it.
    ///   - patience: how long another process may hold the store.
    /// - Throws: `storeUnavailable`.
    package init(folder: String, patience: Duration = .seconds(10)) throws(RevocationError) {
        (self.folder, self.patience) = (folder, patience)
        memory = Mutex(NumberMemory(path: folder + "/numbers"))
        try onDisk { () throws(FilesError) in try Ownership.makeFolder(folder, mode: 0o700) }
    }

    /// Opens every index. One that is not as it was written is a problem, and served to nobody.
    package func open() -> Contents {
        var contents = Contents()
        for name in names(in: folder) where name.hasSuffix(Self.ending) {
            do throws(RevocationError) {
                contents.lists.append(try openList(name))
            } catch {
                contents.problems.append(Problem(file: name, error: error))
            }
        }
        let damaged = memory.withLock { memory -> RevocationError? in
            do throws(RevocationError) {
                try refresh(&memory)
                guard memory.damaged > 0 else { return nil }
                return RevocationError(
                    .storeDamaged,
                    "\(memory.damaged) parts of the memory of CRL numbers are lost, or not as they were written; it is made anew "
                        + "from "
                        + "what can be read and the lists that are served, at the next import or by the kiosk")
            } catch {
                return error
            }
        }
        if let damaged { contents.problems.append(Problem(file: "numbers", error: damaged)) }
        return contents
    }

    private func openList(_ name: String) throws(RevocationError) -> RevocationList {
        let descriptor = Glibc.open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw RevocationError(.storeUnavailable, "the index cannot be opened (\(systemError()))")
        }
        defer { close(descriptor) }
        let list = RevocationList(index: try RevocationIndex(descriptor: descriptor))
        guard list.id.hexText + Self.ending == name else {
            throw RevocationError(.storeDamaged, "the index bears another one's name")
        }
        return list
    }

    /// Changes whenever a list is taken or removed, by whatever process.
    package var stamp: [Int] { fileStamp(folder) ?? [] }

    /// The certificates under which lists were taken, DER.
    package func issuers() -> [[UInt8]] {
        names(in: folder).filter { $0.hasSuffix(Self.issuerEnding) }.compactMap {
            readFile(folder + "/" + $0)
        }
    }

    /// Removes indexes that are not as they were written, every block looked at; their numbers stay in memory, so the
    /// same list can be taken again and no older one.
    /// - Returns: how many.
    @discardableResult
    package func removeDamaged() throws(RevocationError) -> Int {
        let lock = try hold()
        defer { withExtendedLifetime(lock) {} }
        try rebuildDamagedNumbers(under: lock)
        var removed = 0
        for name in names(in: folder) where name.hasSuffix(Self.ending) {
            do throws(RevocationError) {
                try openList(name).index.checkWhole()
            } catch {
                guard error.code == .storeDamaged, unlink(folder + "/" + name) == 0 else { continue }
                removed += 1
            }
        }
        return removed
    }

    /// One list of the store; nil when it is not there, or not as it was written.
    package func list(id: String) -> RevocationList? { try? openList(id + Self.ending) }

    // MARK: Forgetting

    /// Removes a list, and what is remembered of its number: an older list may follow it then. The journal of the kiosk
    /// that serves the store will say so.
    /// - Parameter id: as `RevocationList.id`, in hex.
    /// - Returns: false when the store knows no list of that id.
    /// - Throws: `storeUnavailable`.
    package func forget(id: String) throws(RevocationError) -> Bool {
        guard let bytes = [UInt8](hexText: id), bytes.count == 16 else { return false }
        let file = folder + "/" + bytes.hexText + Self.ending
        let lock = try hold()
        defer { withExtendedLifetime(lock) {} }
        try rebuildDamagedNumbers(under: lock)
        let isRemembered = try locked { memory throws(RevocationError) in memory[bytes] != nil }
        guard isRemembered || fileStamp(file) != nil else { return false }
        // Told of first: whatever the power interrupts is done again, never done in silence.
        try leave(.forgotten(id: bytes.hexText))
        // The index before its number: one without a number is damage.
        guard unlink(file) == 0 || errno == ENOENT else {
            throw RevocationError(.storeUnavailable, "the index cannot be removed (\(systemError()))")
        }
        try onDisk { () throws(FilesError) in try DurableFile.synchronise(folder: folder) }
        try locked { memory throws(RevocationError) in try memory.forget(bytes) }
        return true
    }

    // MARK: Taking lists

    /// Where the serials of a list wait that do not fit into memory.
    package var scratch: ScratchFolder { ScratchFolder(folder) }

    /// A list that is in the store now.
    package struct Taken: Sendable {
        /// False where the same list was served already.
        package let isNew: Bool
        package let id: String
        package let entries: Int
        /// Seconds since 1970.
        package let nextUpdate: Int64
        package let isDelta: Bool
    }

    /// A verified list whose index is written, beside the one that is served. Whoever holds it hands it on whole.
    package struct Prepared: @unchecked Sendable {
        fileprivate let file: NewFile
        fileprivate let remembered: RememberedList
        fileprivate let signer: ListAuthorities.Signer
        fileprivate let taken: Taken
    }

    package enum Preparation {
        case already(Taken)
        case ready(Prepared)
    }

    /// Takes a list: verifies it, writes its index beside the one that is served, remembers its number, and only then
    /// replaces that one.
    /// - Parameter clock: a believed clock's time, which no list may lie ahead of; nil where none is believed.
    /// - Throws: `crlUnusable`, `crlAhead`, `crlRollback`, `storeUnavailable`; what was served is served still.
    package func take(_ list: UnverifiedRevocationList, authorities: ListAuthorities, clock: TrustedTime?)
        throws(RevocationError) -> Taken
    {
        switch try prepare(list, authorities: authorities, clock: clock) {
        case .already(let taken): return taken
        case .ready(let prepared): return try commit(prepared)
        }
    }

    /// The first half of `take`, for many lists at once.
    package func prepare(_ list: UnverifiedRevocationList, authorities: ListAuthorities, clock: TrustedTime?)
        throws(RevocationError) -> Preparation
    {
        guard let signer = list.signer(among: authorities) else {
            throw RevocationError(.crlUnusable, "the list's signature is by none of the issuers that were given")
        }
        if let clock, IssueTime.isAhead(list.fields.thisUpdate, of: clock) {
            throw RevocationError(.crlAhead, "the list's thisUpdate lies more than five minutes ahead of the clock")
        }
        if try areNumbersDamaged() { try rebuildDamagedNumbers(under: hold()) }
        let id = list.fields.id(issuerKey: signer.keyHash)
        let remembered = RememberedList(id: id, fields: list.fields, digest: list.digest)
        if let served = try served(remembered) { return .already(served) }
        if !isSwept.withLock({ $0 }) {
            // Once: a folder may hold thousands of lists.
            NewFile.removeLeftovers(in: folder)
            isSwept.withLock { $0 = true }
        }
        let file = try onDisk { () throws(FilesError) in try NewFile(for: folder + "/" + id.hexText + Self.ending) }
        let entries = try list.writeIndex(to: file.descriptor, issuerKey: signer.keyHash)
        return .ready(
            Prepared(
                file: file, remembered: remembered, signer: signer,
                taken: Taken(
                    isNew: true, id: id.hexText, entries: entries, nextUpdate: list.fields.nextUpdate,
                    isDelta: list.fields.baseNumber != nil)))
    }

    /// The second half of `take`.
    package func commit(_ list: Prepared) throws(RevocationError) -> Taken {
        // safe: one result for each list
        try commit([list])[0].get()
    }

    /// The second half of `take`, for many lists: the disk is asked once to have it all, before numbers are remembered and
    /// indexes take their places.
    /// - Returns: for each list what became of it.
    /// - Throws: `storeUnavailable`; what was served is served still.
    package func commit(_ lists: [Prepared]) throws(RevocationError) -> [Result<Taken, RevocationError>] {
        for list in lists.prefix(1) {
            try onDisk { () throws(FilesError) in
                if lists.count > 1 { try list.file.synchroniseAll() } else { try list.file.synchronise() }
            }
        }
        let lock = try hold()
        defer { withExtendedLifetime(lock) {} }
        try rebuildDamagedNumbers(under: lock)
        for (hash, signer) in Dictionary(lists.map { ($0.signer.keyHash, $0.signer) }, uniquingKeysWith: { $1 }) {
            let file = folder + "/" + hash.hexText + Self.issuerEnding
            if readFile(file) != signer.certificate.der {
                try onDisk { () throws(FilesError) in try DurableFile.replace(file, with: signer.certificate.der) }
            }
        }
        // Another process may have taken some meanwhile, and several may be of one scope.
        var results: [Result<Taken, RevocationError>] = []
        var new: [Prepared] = []
        var latest: [[UInt8]: RememberedList] = [:]
        for list in lists {
            do throws(RevocationError) {
                let isSame = try latest[list.remembered.id].map { (before) throws(RevocationError) in
                    try list.remembered.follows(before)
                }
                if let served = try served(list.remembered) {
                    results.append(.success(served))
                    continue
                }
                if isSame != true { new.append(list) }
                latest[list.remembered.id] = list.remembered
                results.append(.success(list.taken))
            } catch {
                results.append(.failure(error))
            }
        }
        try locked { memory throws(RevocationError) in try memory.remember(new.map(\.remembered)) }
        try onDisk { () throws(FilesError) in
            for list in new { try list.file.takePlace() }
            if !new.isEmpty { try DurableFile.synchronise(folder: folder) }
        }
        return results
    }

    /// By the numbers as `areNumbersDamaged` has just read them.
    /// - Returns: the list that is served, when it is this one.
    /// - Throws: `crlRollback`.
    private func served(_ list: RememberedList) throws(RevocationError) -> Taken? {
        // An index whose number is not there is damage, and was mended.
        guard let before = try locked({ memory throws(RevocationError) in memory[list.id] }) else { return nil }
        let served = self.list(id: list.id.hexText)
        // Whatever became of the memory, the list that is served holds its own number.
        if let served { _ = try list.follows(RememberedList(served)) }
        guard try list.follows(before), let served,
            served.index.about.digest.starts(with: list.digest), (try? served.index.checkWhole()) != nil
        else { return nil }
        return Taken(
            isNew: false, id: list.id.hexText, entries: served.index.count, nextUpdate: served.nextUpdate,
            isDelta: served.isDelta)
    }

    private func areNumbersDamaged() throws(RevocationError) -> Bool {
        try locked { memory throws(RevocationError) in
            try refresh(&memory)
            return memory.damaged > 0
        }
    }

    private func refresh(_ memory: inout NumberMemory) throws(RevocationError) {
        try memory.refresh(
            indexes: {
                names(in: folder).filter { $0.hasSuffix(Self.ending) }
                    .compactMap { [UInt8](hexText: String($0.dropLast(Self.ending.count))) }
            }, isServed: { list(id: $0.hexText) != nil })
    }

    /// One flipped bit must not end every import: what can be read of the numbers stays, and each list that is served
    /// holds its own. What stood in a damaged record of a list that is gone is lost, so the journal is told.
    private func rebuildDamagedNumbers(under lock: FolderLock) throws(RevocationError) {
        guard try areNumbersDamaged() else { return }
        let served = names(in: folder).filter { $0.hasSuffix(Self.ending) }.compactMap { name in
            (try? openList(name)).map { RememberedList($0) }
        }
        try leave(.numbersRebuilt)
        try locked { memory throws(RevocationError) in try memory.rebuild(with: served) }
        withExtendedLifetime(lock) {}
    }

    private func hold() throws(RevocationError) -> FolderLock {
        try onDisk { () throws(FilesError) in try FolderLock(folder: folder, patience: patience) }
    }

    private func locked<Value: Sendable>(_ body: (inout NumberMemory) throws(RevocationError) -> Value)
        throws(RevocationError)
        -> Value
    {
        let result = memory.withLock { memory -> Result<Value, RevocationError> in
            do throws(RevocationError) { return .success(try body(&memory)) } catch { return .failure(error) }
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
            bytes.appendLittleEndian(UInt32(truncatingIfNeeded: name.count))
            bytes += name
        }
        return bytes
    }
}
