internal import CPCSC
internal import Synchronization
internal import Threads

/// What happens at the reader.
package enum ReaderEvent: Hashable, Sendable {
    /// pcscd is not there.
    case serviceUnavailable
    /// pcscd is there, the reader is not.
    case readerUnavailable
    case readerAvailable(name: String)
    /// The readers, and slots of readers, that pcscd has beside the one in use; told when that changes.
    case others([OtherReader])
    /// A card, or something that answers like one, lies on the reader.
    case cardInserted(reader: String)
    case cardRemoved
    /// An exchange was given up and has not come back: the reader can't be used.
    case readerHeld
    /// It came back after all.
    case readerReleased
}

/// A reader, or a slot of one, that is not used.
package struct OtherReader: Hashable, Sendable {
    package let name: String
    /// A card lies on it: its owner waits in vain.
    package let card: Bool

    package init(name: String, card: Bool) { (self.name, self.card) = (name, card) }
}

/// Watches one reader from a thread of its own, through pcscd's restarts and the reader's unplugging.
package actor ReaderMonitor {
    private nonisolated let executor = ThreadExecutor(name: "reader")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let nameFilter: String
    private let report: @Sendable (ReaderEvent) -> Void
    /// The context that waits at the moment: what a cancellation wakes.
    private nonisolated let waiting = Mutex<PCSCContext?>(nil)
    private var last: ReaderEvent?
    private var lastOthers: [OtherReader] = []

    /// Milliseconds. A cancel that arrives just before a wait begins is lost; no wait is longer than this. Each costs four wake-ups.
    private static let slice: UInt32 = 3_000

    /// - Parameters:
    ///   - nameFilter: a part of the reader's name; empty takes the first.
    ///   - report: called on the monitor's thread, never twice in a row with the same event.
    package init(nameFilter: String, report: @escaping @Sendable (ReaderEvent) -> Void) {
        self.nameFilter = nameFilter
        self.report = report
    }

    deinit { executor.stop() }

    /// Watches until the task is cancelled.
    package nonisolated func run() async {
        await withTaskCancellationHandler {
            await watchService()
        } onCancel: {
            waiting.withLock { $0 }?.cancel()
        }
    }

    private func watchService() async {
        var pause = ServicePause()
        while !Task.isCancelled {
            let asked = ContinuousClock.now
            do throws(SmartCardError) {
                let context = try PCSCContext()
                waiting.withLock { $0 = context }
                defer { waiting.withLock { $0 = nil } }
                while !Task.isCancelled { try watchReaders(context) }
            } catch .cancelled {
                return
            } catch {
                tell(.serviceUnavailable)
                // Nothing announces that pcscd is back.
                try? await Task.sleep(for: pause.next(after: asked.duration(to: .now)))
            }
        }
    }

    /// Finds the reader and stays with it until it goes.
    private func watchReaders(_ context: PCSCContext) throws(SmartCardError) {
        let bell = ReaderState(name: ReaderState.plugAndPlay)
        let names = try context.readers()
        var others = names.map { ReaderState(name: $0) }
        guard let name = Self.chosen(of: names, filter: nameFilter) else {
            others = Array(others.prefix(ReaderState.most))
            if !others.isEmpty { others = (try? context.statusChange(others, milliseconds: 0)) ?? others }
            tell(others: others)
            tell(.readerUnavailable)
            _ = try context.statusChange([bell], milliseconds: Self.slice)
            return
        }
        var reader = ReaderState(name: name)
        others = Self.watched(names, as: [], besides: name)
        var isFirst = true
        while !Task.isCancelled {
            let states: [ReaderState]
            do throws(SmartCardError) {
                guard let changed = try context.statusChange([reader] + others + [bell], milliseconds: Self.slice)
                else {
                    if others.isEmpty { others = Self.watched(try context.readers(), as: [], besides: name) }
                    continue
                }
                states = changed
            } catch .readerUnavailable {
                guard try context.readers().contains(name) else { return leave(reader) }
                // One of the others went between two calls, or can't be watched: this one is, and they are looked for later.
                guard !others.isEmpty else { throw .readerUnavailable }
                others = []
                continue
            }
            guard let now = states.first else { continue }
            if now.isGone { return leave(reader) }
            others = Array(states.dropFirst().dropLast())
            tell(others: others)
            if isFirst { tell(.readerAvailable(name: name)) }
            isFirst = false
            for event in Self.changes(from: reader, to: now) { tell(event) }
            reader = now
            others = Self.watched(try context.readers(), as: others, besides: name)
        }
    }

    /// The others that there are, those that are known as they are known: as many as can be watched beside one reader and
    /// the bell.
    static func watched(_ names: [String], as known: [ReaderState], besides name: String) -> [ReaderState] {
        names.filter { $0 != name }.prefix(ReaderState.most - 2).map { name in
            known.first { $0.name == name } ?? ReaderState(name: name)
        }
    }

    /// - Parameter filter: a part of its name; empty takes the first.
    static func chosen(of names: [String], filter: String) -> String? {
        names.first { filter.isEmpty || $0.contains(filter) }
    }

    private func leave(_ reader: ReaderState) {
        if reader.isPresent { tell(.cardRemoved) }
        tell(.readerUnavailable)
    }

    /// What happened to the card between two looks at a reader.
    static func changes(from before: ReaderState, to now: ReaderState) -> [ReaderEvent] {
        switch (before.isPresent, now.isPresent) {
        case (false, true): [.cardInserted(reader: now.name)]
        case (true, false): [.cardRemoved]
        // Two changes since: the card went and came faster than we looked.
        case (true, true) where before.changes != 0 && now.changes &- before.changes >= 2:
            [.cardRemoved, .cardInserted(reader: now.name)]
        case (true, true), (false, false): []
        }
    }

    static func described(_ others: [ReaderState]) -> [OtherReader] {
        others.filter { !$0.isGone }.map { OtherReader(name: $0.name, card: $0.isPresent) }
    }

    private func tell(others: [ReaderState]) {
        let now = Self.described(others)
        guard now != lastOthers else { return }
        lastOthers = now
        report(.others(now))
    }

    private func tell(_ event: ReaderEvent) {
        guard event != last else { return }
        last = event
        report(event)
    }
}
