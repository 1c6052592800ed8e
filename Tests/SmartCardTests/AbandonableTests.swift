import Dispatch
import Synchronization
import Testing
import Threads

@testable import SmartCard

/// A call that blocks its thread until it is let go: what `SCardTransmit` can do to us.
private actor BlockingCall {
    private nonisolated let executor = ThreadExecutor(name: "blocked")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    nonisolated let gate = DispatchSemaphore(value: 0)
    nonisolated let entered: AsyncStream<Void>
    private let enteredContinuation: AsyncStream<Void>.Continuation

    init() { (entered, enteredContinuation) = AsyncStream.makeStream() }
    deinit { executor.stop() }

    func block() -> Int {
        enteredContinuation.yield()
        gate.wait()
        return 7
    }
}

private struct Notes: Sendable {
    let abandoned = Flag()
    let returned = Flag()

    /// Set once, awaited by whoever wants to know.
    final class Flag: Sendable {
        private let stream: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation
        private let isSet = Mutex(false)
        init() { (stream, continuation) = AsyncStream.makeStream() }
        func set() {
            isSet.withLock { $0 = true }
            continuation.yield()
        }
        var value: Bool { isSet.withLock { $0 } }
        func wait() async { for await _ in stream { return } }
    }
}

@Suite(.timeLimit(.minutes(1))) struct AbandonableTests {
    @Test("A blocked call is left at the deadline, and noted when it comes back after all")
    func deadline() async {
        let (call, notes) = (BlockingCall(), Notes())
        await #expect(throws: SmartCardError.timedOut) {
            try await abandonable(
                until: .now + .milliseconds(50), abandoned: { notes.abandoned.set() },
                returned: { notes.returned.set() }
            ) { () async throws(SmartCardError) -> Int in await call.block() }
        }
        #expect(notes.abandoned.value)
        #expect(!notes.returned.value)
        call.gate.signal()
        await notes.returned.wait()
    }

    @Test("A blocked call is left at cancellation")
    func cancellation() async {
        let (call, notes) = (BlockingCall(), Notes())
        let waiter = Task { () async -> SmartCardError? in
            do throws(SmartCardError) {
                _ = try await abandonable(
                    until: .now + .seconds(3_600), abandoned: { notes.abandoned.set() },
                    returned: { notes.returned.set() }
                ) { () async throws(SmartCardError) -> Int in await call.block() }
                return nil
            } catch {
                return error
            }
        }
        for await _ in call.entered { break }
        waiter.cancel()
        #expect(await waiter.value == .cancelled)
        #expect(notes.abandoned.value)
        call.gate.signal()
        await notes.returned.wait()
    }

    @Test("A call that answers in time is neither abandoned nor noted")
    func inTime() async throws {
        let notes = Notes()
        let value = try await abandonable(
            until: .now + .seconds(3_600), abandoned: { notes.abandoned.set() }, returned: { notes.returned.set() }
        ) { () async throws(SmartCardError) -> Int in 42 }
        #expect(value == 42)
        #expect(!notes.abandoned.value && !notes.returned.value)
    }

    @Test("A fresh thread answers while another is blocked")
    func freshThread() async {
        let (blocked, fresh) = (BlockingCall(), BlockingCall())
        let first = Task { await blocked.block() }
        for await _ in blocked.entered { break }
        fresh.gate.signal()
        #expect(await fresh.block() == 7)
        blocked.gate.signal()
        #expect(await first.value == 7)
    }
}

extension AbandonableTests {
    @Test("However close deadline and return are: what is noted as returned was noted as abandoned before")
    func order() async {
        for _ in 0..<300 {
            let deadline = ContinuousClock.now + .milliseconds(1)
            let log = Log()
            _ = try? await abandonable(
                until: deadline, abandoned: { log.lines.withLock { $0.append("abandoned") } },
                returned: { log.lines.withLock { $0.append("returned") } }
            ) { () async throws(SmartCardError) -> Int in
                // As close to the deadline as can be.
                while ContinuousClock.now < deadline {}
                return 1
            }
            #expect(log.lines.withLock { $0.first } != "returned")
        }
    }

    @Test("A lane whose call does not come back is set aside and told of, once, and again when the last one is let go")
    func heldLane() async throws {
        let (told, continuation) = AsyncStream<Bool>.makeStream()
        let reader = CardReader { continuation.yield($0) }
        let calls = [BlockingCall(), BlockingCall()]
        for call in calls {
            let lane = try reader.lane()
            await #expect(throws: SmartCardError.timedOut) {
                try await reader.wait(on: lane, until: .now + .milliseconds(20)) {
                    () async throws(SmartCardError) -> Int in await call.block()
                }
            }
            // It is not waited for again.
            await #expect(throws: SmartCardError.cardRemoved) {
                try await reader.wait(on: lane, until: .now + .seconds(1)) { () async throws(SmartCardError) -> Int in 1
                }
            }
        }
        #expect(reader.heldCount == 2)
        #expect(throws: SmartCardError.readerHeld) { try reader.lane() }
        for call in calls { call.gate.signal() }
        var seen: [Bool] = []
        for await isHeld in told.prefix(2) { seen.append(isHeld) }
        #expect(seen == [true, false] && reader.heldCount == 0)
    }

    private final class Log: Sendable { let lines = Mutex<[String]>([]) }
}
