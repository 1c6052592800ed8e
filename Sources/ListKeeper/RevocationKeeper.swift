internal import Certificates
package import Clock
package import Cryptography
internal import Files
internal import HTTPClient
package import Logging
internal import Revocation
internal import Service
internal import Threads

/// Keeps the store fresh: takes lists from folders as they are written and from URLs as they are published, and tells the
/// kiosk what is served. It works on a thread of its own, so a tap never waits for a list.
package actor RevocationKeeper {
    package nonisolated let folder: String
    private let files: [String]
    private let urls: [String]
    private let anchors: [X509Certificate]
    private let authorities: ListAuthorities
    private let log: Logger
    private let journal: ListJournal
    private let clock: @Sendable () -> TrustedTime?
    private let publish: @Sendable (ServedLists) async -> Void
    private let executor = ThreadExecutor(name: "revocation")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var store: RevocationStore?
    private var stamp: [Int] = []
    private var memory = SourceMemory()
    /// Files that could not be taken as they are: said once.
    private var refused: [String: SourceMemory.File] = [:]
    private var early = EarlyFiles()
    /// Configured files and folders that are not there: said once.
    private var missing: Set<String> = []
    /// thisUpdate of the lists that are served, by their ids.
    private var served: [String: Int64] = [:]
    private var isRepairing = false
    private var isDamaged = false
    /// Of each URL, while it waits for its next fetch.
    private var pauses: [String: Task<Void, Never>] = [:]
    /// URLs that an operator wants fetched, also where a fetch is under way.
    private var wanted: Set<String> = []
    /// Ids of lists that lie ahead of the clock: said once.
    private var ahead: Set<String> = []
    /// Each transfer has a thread of its own, sockets, and lists that wait for the disk: so many at the same time.
    private static let mostTransfers = 16
    private var freeTransfers = mostTransfers
    private var waitingTransfers: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - files: files and folders of lists.
    ///   - clock: the believed clock's time, without any floor that lists set; nil while none is believed.
    ///   - publish: is told what is served whenever that changes.
    package init(
        folder: String, files: [String], urls: [String], anchors: [X509Certificate], log: Logger,
        clock: @escaping @Sendable () -> TrustedTime?, publish: @escaping @Sendable (ServedLists) async -> Void
    ) {
        (self.folder, self.files, self.urls, self.anchors) = (folder, files, urls, anchors)
        (self.log, self.clock, self.publish) = (log, clock, publish)
        journal = ListJournal(log: log)
        authorities = ListAuthorities(anchors)
    }

    deinit { executor.stop() }

    // MARK: Life

    /// Opens the store and tells what is in it: a kiosk that was ready is ready again at once.
    package func open() async {
        do throws(RevocationError) {
            store = try RevocationStore(folder: folder)
            memory = SourceMemory.load(folder + "/sources.json")
        } catch {
            journal.complain(error, file: folder)
        }
        // What reads every list waits: a kiosk that starts is not to be taken for one that hangs.
        await refresh(mends: false)
    }

    /// Watches and fetches until the task is cancelled.
    package func run() async {
        let watch = FolderWatch()
        addFolders(to: watch)
        if isDamaged { await repair() }
        await takeFiles()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in watch.events { await self.takeFiles() } }
            group.addTask {
                // `kazashi crl import` into the same store.
                while (try? await Task.sleep(for: .seconds(5))) != nil { await self.refreshIfChanged() }
            }
            group.addTask {
                // What inotify can't see: folders that are made later, network file systems.
                while (try? await Task.sleep(for: .seconds(300))) != nil {
                    await self.addFolders(to: watch)
                    await self.takeFiles()
                }
            }
            for url in urls { group.addTask { await self.keepFetching(url) } }
            await group.waitForAll()
        }
    }

    private func addFolders(to watch: FolderWatch) {
        for path in files where !watch.add(path) {
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."  // safe: a place in it
            _ = watch.add(parent)
            if SourceMemory.File(path) == nil, missing.insert(path).inserted {
                log.note(ListNote.sourceMissing, ["path": "\(path)"])
            }
        }
    }

    /// Reads files again that were refused, and fetches URLs at once (SIGHUP).
    package func reload() async {
        for url in urls { want(url) }
        refused = [:]
        early.forgetAll()
        await takeFiles()
        await refresh()
    }

    /// Opens the store again where another process has changed it; and the clock may be believed by now.
    package func refreshIfChanged() async {
        tellAhead()
        guard let store, store.stamp != stamp else { return }
        await refresh()
    }

    /// Serves what is in the store now.
    /// - Parameter mends: what is damaged is taken again from where it came, which reads every list.
    private func refresh(mends: Bool = true) async {
        guard let store else { return await publish(.none) }
        let hasForgotten = tellNotices(of: store)
        stamp = store.stamp
        let contents = store.open()
        for problem in contents.problems { journal.complain(problem.error, file: problem.file) }
        served = Dictionary(contents.lists.map { ($0.id.hexText, $0.thisUpdate) }, uniquingKeysWith: { $1 })
        tellAhead()
        await publish(ServedLists(contents.lists, anchors: anchors.map(\.publicKeyInfo)))
        isDamaged = contents.problems.contains { $0.error.code == .storeDamaged }
        guard mends else { return }
        if hasForgotten {
            // What was too old may follow now.
            refused = [:]
            await takeFiles()
        }
        if isDamaged { await repair() }
    }

    /// Tells of what was done to the store, by whatever process.
    /// - Returns: true when a number was forgotten.
    private func tellNotices(of store: RevocationStore) -> Bool {
        var hasForgotten = false
        for notice in store.notices() {
            switch notice {
            case .forgotten(let id):
                log.note(ListNote.forgotten, ["list": "\(id)"])
                hasForgotten = true
            case .numbersRebuilt: log.note(ListNote.numbersRebuilt, at: .error)
            }
            store.remove(notice)
        }
        return hasForgotten
    }

    /// Lists that were taken while no clock was believed, and that a believed one shows to be none of today's.
    private func tellAhead() {
        guard !served.isEmpty, let now = clock() else { return }
        let ids = Set(served.filter { IssueTime.isAhead($0.value, of: now) }.keys)
        for id in ids.subtracting(ahead) { log.note(ListNote.ahead, ["list": "\(id)"]) }
        ahead = ids
    }

    /// An index turned out not to be as it was written: it goes, and its list is taken again from where it came.
    package func repair() async {
        guard !isRepairing, let store else { return }
        isRepairing = true
        defer { isRepairing = false }
        do throws(RevocationError) {
            let removed = try store.removeDamaged()
            guard removed > 0 else {
                _ = tellNotices(of: store)
                return
            }
            log.error(
                "damaged indexes were removed",
                metadata: Logger.words(RevocationError.Code.storeDamaged, ["count": "\(removed)"]))
        } catch {
            return journal.complain(error, file: folder)
        }
        await refresh()
        await takeFiles()
        // Each is fetched by whoever keeps it: nobody waits for a server here.
        for url in urls where !isServed(memory.urls[url]?.lists) { want(url) }
    }

    /// A URL is to be fetched at once, or again where a fetch is under way.
    private func want(_ url: String) {
        wanted.insert(url)
        pauses[url]?.cancel()
    }

    // MARK: Files

    private func takeFiles() async {
        guard let store else { return await reopen() }
        let intake = StoreIntake(store: store, authorities: authorities, clock: clock)
        var read: [ReadFile] = []
        var (taken, published) = (0, 0)
        let now = clock()?.secondsSince1970
        for file in files.flatMap(filesUnder) {
            guard !Task.isCancelled else { return }
            guard let version = SourceMemory.File(file), refused[file] != version,
                !early.isEarly(file, version, at: now)
            else { continue }
            if let known = memory.files[file], known.version == version, isServed(known.lists) { continue }
            intake.begin()
            do {
                try readLists(file, scratch: store.scratch, onlyFiles: true, each: intake.take)
                read.append(ReadFile(name: file, version: version, failure: nil))
            } catch is CancellationError {
                return
            } catch {
                read.append(ReadFile(name: file, version: version, failure: error))
            }
            guard read.count >= StoreIntake.mostPending else { continue }
            taken += settle(&read, intake.finish())
            guard taken - published >= 512 else { continue }
            // So that a folder of partitions serves the first ones before the last one is read.
            await finish()
            published = taken
        }
        taken += settle(&read, intake.finish())
        if taken > published { await finish() }
    }

    /// A file whose lists are on their way.
    private struct ReadFile {
        let name: String
        let version: SourceMemory.File
        /// Why no more of it was read.
        let failure: (any Error)?
    }

    /// Remembers what became of the lists of some files, each on its own.
    /// - Returns: how many lists are in the store now.
    private func settle(_ files: inout [ReadFile], _ reports: [StoreIntake.Report]) -> Int {
        defer { files = [] }
        var count = 0
        for (file, report) in zip(files, reports) {
            let outcomes = report.outcomes
            let lists = outcomes.compactMap { try? $0.result.get() }
            journal.note(lists, from: file.name)
            count += lists.count + report.moreTaken
            // Ended from outside, wherever it was: that says nothing about the file.
            guard !Task.isCancelled else { continue }
            if journal.complain(report, file.failure, source: file.name) {
                // A full disk may have room later, without the file having changed.
                let isPassing = ([file.failure] + outcomes.map(\.failure)).contains {
                    ($0 as? RevocationError)?.code == .storeUnavailable
                }
                let ahead = outcomes.filter { $0.failure?.code == .crlAhead }.compactMap { $0.summary?.thisUpdate }
                if let first = ahead.min() {
                    early.note(file.name, file.version, thisUpdate: first)
                } else if !isPassing {
                    refused[file.name] = file.version
                }
            } else {
                memory.files[file.name] = .init(version: file.version, lists: Set(lists.map(\.id)).sorted())
            }
        }
        return count
    }

    private func isServed(_ lists: [String]?) -> Bool { lists?.allSatisfy { served[$0] != nil } ?? false }

    private func reopen() async {
        guard let store = try? RevocationStore(folder: folder) else { return }
        self.store = store
        await refresh()
        await takeFiles()
    }

    private func finish() async {
        // Files that are gone are not remembered: mirrors may name theirs by the day.
        memory.files = memory.files.filter { SourceMemory.File($0.key) != nil }
        refused = refused.filter { SourceMemory.File($0.key) != nil }
        early.forgetGone()
        if !memory.store(folder + "/sources.json") {
            log.note(ListNote.sourcesNotSaved, ["folder": "\(folder)"])
        }
        await refresh()
    }

    // MARK: URLs

    private func keepFetching(_ url: String) async {
        var schedule = FetchSchedule()
        await wait(schedule.first(isServing: isServed(memory.urls[url]?.lists)), before: url)
        while !Task.isCancelled { await wait(schedule.pause(after: await fetch(url)), before: url) }
    }

    /// Waits until the next fetch is due, or wanted at once.
    private func wait(_ seconds: Double, before url: String) async {
        defer { wanted.remove(url) }
        guard !wanted.contains(url) else { return }
        let pause = Task { _ = try? await Task.sleep(for: .seconds(seconds)) }
        pauses[url] = pause
        await withTaskCancellationHandler {
            await pause.value
        } onCancel: {
            pause.cancel()
        }
        pauses[url] = nil
    }

    @discardableResult
    private func fetch(_ url: String) async -> FetchSchedule.Outcome {
        guard let store else { return .failed(retryAfter: nil) }
        await takeTransfer()
        defer { returnTransfer() }
        // A client of its own: libraries' requests do not wait while a list passes. All transfers together hold as many
        // lists for the disk as a folder does.
        let download = ListDownload(client: CurlClient(), scratch: store.scratch)
        let intake = StoreIntake(
            store: store, authorities: authorities, clock: clock,
            mostPending: StoreIntake.mostPending / min(Self.mostTransfers, max(1, urls.count)),
            stopsAtUnsigned: true)
        intake.begin()
        let known = memory.urls[url]
        let result: Result<ListDownload.Result, any Error>
        do {
            result = .success(
                try await download.run(
                    url, known: isServed(known?.lists) ? known?.version ?? .init() : .init(), restart: intake.restart,
                    each: intake.take))
        } catch {
            result = .failure(error)
        }
        // Also of a transfer that failed: what came before was verified, and counts.
        let report = intake.finish().last ?? StoreIntake.Report()
        let lists = report.outcomes.compactMap { try? $0.result.get() }
        journal.note(lists, from: ListJournal.nameable(url))
        let outcome = settle(url, result, report)
        if !lists.isEmpty { await finish() }
        return outcome
    }

    private func takeTransfer() async {
        guard freeTransfers == 0 else { return freeTransfers -= 1 }
        await withCheckedContinuation { waitingTransfers.append($0) }
    }

    private func returnTransfer() {
        guard !waitingTransfers.isEmpty else { return freeTransfers += 1 }
        waitingTransfers.removeFirst().resume()  // safe: there is one
    }

    private func settle(
        _ url: String, _ result: Result<ListDownload.Result, any Error>, _ report: StoreIntake.Report
    ) -> FetchSchedule.Outcome {
        guard !Task.isCancelled else { return .failed(retryAfter: nil) }
        switch result {
        case .success(.unchanged): return .done
        case .success(.lists(let validators)):
            guard !journal.complain(report, nil, source: ListJournal.nameable(url)) else {
                return .failed(retryAfter: nil)
            }
            let lists = Set(report.outcomes.compactMap { try? $0.result.get().id })
            memory.urls[url] = .init(version: validators, lists: lists.sorted())
            return .done
        case .failure(let error):
            _ = journal.complain(report, error, source: ListJournal.nameable(url))
            guard case ListDownload.Failure.status(_, let asked) = error else { return .failed(retryAfter: nil) }
            return .failed(retryAfter: asked)
        }
    }
}
