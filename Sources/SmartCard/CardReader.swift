internal import CPCSC
internal import Synchronization
internal import Threads

/// Connects to cards in PC/SC readers. Every wait has a deadline and can be left; a call that does not come back is set
/// aside with its thread and its context, and a fresh pair takes over. More than two are never set aside.
package final class CardReader: Sendable {
    private struct State {
        var lane: Lane?
        var held = HeldLanes()
    }
    private let state = Mutex(State())
    private let heldChanged: @Sendable (Bool) -> Void
    private let lengths = LengthMemories()

    /// - Parameter heldChanged: called with true when a blocked exchange was set aside, with false when none is left.
    package init(heldChanged: @escaping @Sendable (Bool) -> Void) { self.heldChanged = heldChanged }

    /// Makes the thread and the context before they are needed; a missing pcscd is found later.
    package func prepare() async { await (try? lane())?.prepare() }

    /// Lanes that a call has not come back to.
    package var heldCount: Int { state.withLock { $0.held.count } }

    /// Connects to the card in `reader`, shared, and begins a transaction: nobody else talks to it until power-down.
    package func connect(to reader: String, deadline: ContinuousClock.Instant) async throws(SmartCardError)
        -> any CardTransport
    {
        let lane = try lane()
        let lengths = lengths.of(reader)
        let connection: Connection
        do throws(SmartCardError) {
            connection = try await wait(on: lane, until: deadline) { () async throws(SmartCardError) -> Connection in
                try await lane.connect(to: reader, deadline: deadline)
            }
        } catch  where error.canBeOfRemoval {
            throw await isCardPresent(in: reader, on: lane) ? error : .cardRemoved
        }
        return PCSCTransport(reader: self, name: reader, lane: lane, connection: connection, lengths: lengths)
    }

    fileprivate func isCardPresent(in name: String, on lane: Lane) async -> Bool {
        let answer = try? await wait(on: lane, until: .now + .seconds(1)) { () async throws(SmartCardError) -> Bool in
            await lane.isPresent(in: name)
        }
        return answer ?? false
    }

    func lane() throws(SmartCardError) -> Lane {
        let lane = state.withLock { state -> Lane? in
            if let lane = state.lane { return lane }
            guard !state.held.isFull else { return nil }
            let lane = Lane()
            state.lane = lane
            return lane
        }
        guard let lane else { throw .readerHeld }
        return lane
    }

    /// Waits for a call on `lane`; sets the lane aside when the wait ends before the call.
    func wait<Value: Sendable>(
        on lane: Lane, until deadline: ContinuousClock.Instant,
        _ call: @escaping @Sendable () async throws(SmartCardError) -> Value
    ) async throws(SmartCardError) -> Value {
        // What was set aside is not waited for again; it lets go of its card by itself.
        guard state.withLock({ $0.lane === lane }) else { throw .cardRemoved }
        return try await abandonable(
            until: deadline, abandoned: { self.setAside(lane) }, returned: { self.takeBack(lane) }, call)
    }

    private func setAside(_ lane: Lane) {
        let isFirst = state.withLock { state in
            if state.lane === lane { state.lane = nil }
            return state.held.setAside(ObjectIdentifier(lane))
        }
        if isFirst { heldChanged(true) }
    }

    private func takeBack(_ lane: Lane) {
        guard state.withLock({ $0.held.takeBack(ObjectIdentifier(lane)) }) else { return }
        Task {
            // The transaction and the card are still its: let go of both before the count says so.
            await lane.close()
            if state.withLock({ $0.held.letGo(ObjectIdentifier(lane)) }) { heldChanged(false) }
        }
    }
}

/// A connected card: its handle is used on the lane's thread only.
struct Connection: Sendable {
    let card: SCARDHANDLE
    let link: TransmissionProtocol
    let answerToReset: [UInt8]
}

/// A thread with a context of its own, and the card that is connected through it.
actor Lane {
    private nonisolated let executor = ThreadExecutor(name: "card")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var context: PCSCContext?
    private var open: Connection?

    deinit { executor.stop() }

    func prepare() { context = try? PCSCContext() }

    func connect(to reader: String, deadline: ContinuousClock.Instant) async throws(SmartCardError) -> Connection {
        disconnect()
        let clock = ContinuousClock()
        while true {
            do throws(SmartCardError) {
                return try begin(reader)
            } catch .serviceUnavailable where context != nil {
                // A context does not outlive the pcscd that gave it.
                context = nil
            } catch .sharingViolation where clock.now + .milliseconds(50) < deadline {
                // Nothing tells when the other program lets go.
                guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { throw .cancelled }
            }
        }
    }

    private func begin(_ reader: String) throws(SmartCardError) -> Connection {
        let context: PCSCContext
        if let ready = self.context {
            context = ready
        } else {
            context = try PCSCContext()
        }
        // Remembered only once it works, so that a failing fresh context is not retried for ever.
        let (card, link) = try context.connect(to: reader)
        self.context = context
        do throws(SmartCardError) {
            try pcsc(
                Self.begun {
                    SCardBeginTransaction(card)
                } afterReset: {
                    var active = DWORD(0)
                    _ = SCardReconnect(
                        card, DWORD(SCARD_SHARE_SHARED), DWORD(SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1),
                        DWORD(SCARD_LEAVE_CARD), &active)
                })
        } catch {
            SCardDisconnect(card, DWORD(SCARD_LEAVE_CARD))
            throw error
        }
        let connection = Connection(card: card, link: link, answerToReset: Self.answerToReset(of: card))
        open = connection
        return connection
    }

    /// Someone may have reset the card since it was powered: that is taken note of, three times at the most, and it is ours.
    static func begun(_ begin: () -> LONG, afterReset: () -> Void) -> LONG {
        for _ in 0..<3 {
            let status = begin()
            guard PCSCStatus(status) == .resetCard else { return status }
            afterReset()
        }
        return begin()
    }

    private static func answerToReset(of card: SCARDHANDLE) -> [UInt8] {
        var (state, link) = (DWORD(0), DWORD(0))
        var bytes = [UInt8](repeating: 0, count: 33)
        var count = DWORD(bytes.count)
        guard PCSCStatus(SCardStatus(card, nil, nil, &state, &link, &bytes, &count)) == .success else { return [] }
        return Array(bytes.prefix(Int(truncatingIfNeeded: count)))
    }

    func transmit(_ command: [UInt8], over connection: Connection) throws(SmartCardError) -> RawAnswer {
        guard open?.card == connection.card else { throw .cardRemoved }
        var answer = [UInt8](repeating: 0, count: CommandAPDU.mostAnswer(to: command))
        var count = DWORD(answer.count)
        let start = ContinuousClock.now
        let status = SCardTransmit(
            connection.card, connection.link == .t0 ? kz_pci_t0() : kz_pci_t1(), command, DWORD(command.count), nil,
            &answer, &count)
        let elapsed = start.duration(to: .now)
        try pcsc(status)
        return RawAnswer(bytes: Array(answer.prefix(Int(truncatingIfNeeded: count))), elapsed: elapsed)
    }

    /// Whether the reader's state has the card there, once it has had the time to say otherwise: libccid asks slots without
    /// an interrupt every 400 ms.
    func isPresent(in reader: String) -> Bool {
        guard let context, let now = try? context.statusChange([ReaderState(name: reader)], milliseconds: 0)?.first,
            now.isPresent
        else { return false }
        do throws(SmartCardError) {
            guard let next = try context.statusChange([now], milliseconds: 600) else { return true }
            return next.first?.isPresent ?? false
        } catch {
            return false
        }
    }

    func disconnect() {
        guard let open else { return }
        // Power goes while the transaction still keeps others away: a verified key must not outlive it.
        SCardEndTransaction(open.card, DWORD(SCARD_UNPOWER_CARD))
        SCardDisconnect(open.card, DWORD(SCARD_LEAVE_CARD))
        self.open = nil
    }

    func close() {
        disconnect()
        context = nil
    }
}

private struct PCSCTransport: CardTransport {
    let reader: CardReader
    let name: String
    let lane: Lane
    let connection: Connection
    let lengths: LengthMemory
    var link: TransmissionProtocol { connection.link }
    var answerToReset: [UInt8] { connection.answerToReset }

    func exchange(_ command: [UInt8], deadline: ContinuousClock.Instant) async throws(SmartCardError) -> RawAnswer {
        let (lane, connection) = (lane, connection)
        return try await reader.wait(on: lane, until: deadline) { () async throws(SmartCardError) -> RawAnswer in
            try await lane.transmit(command, over: connection)
        }
    }

    func isCardPresent() async -> Bool { await reader.isCardPresent(in: name, on: lane) }

    func powerDown() async {
        let lane = lane
        // A reader that does not even let go within a second is held like any other blocked call.
        _ = try? await reader.wait(on: lane, until: .now + .seconds(1)) { () async throws(SmartCardError) -> Void in
            await lane.disconnect()
        }
    }
}
