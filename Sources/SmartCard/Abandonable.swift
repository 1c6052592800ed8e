internal import Synchronization

/// A result that is handed over once: by the work, by the deadline or by a cancellation, whichever is first.
private final class Handoff<Value: Sendable>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Result<Value, SmartCardError>, Never>)
        case early(Result<Value, SmartCardError>)
        case done
    }
    private let state = Mutex(State.idle)

    func wait(_ continuation: CheckedContinuation<Result<Value, SmartCardError>, Never>) {
        let early = state.withLock { state -> Result<Value, SmartCardError>? in
            if case .early(let result) = state {
                state = .done
                return result
            }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(returning: early) }
    }

    /// True when this was the result that counts.
    /// - Parameter first: called if so, before any other `finish` can find out that it came too late.
    @discardableResult
    func finish(_ result: Result<Value, SmartCardError>, first: () -> Void = {}) -> Bool {
        let (won, continuation) = state.withLock {
            state -> (Bool, CheckedContinuation<Result<Value, SmartCardError>, Never>?) in
            switch state {
            case .idle:
                state = .early(result)
                first()
                return (true, nil)
            case .waiting(let continuation):
                state = .done
                first()
                return (true, continuation)
            case .early, .done:
                return (false, nil)
            }
        }
        continuation?.resume(returning: result)
        return won
    }
}

/// Waits for `work` until it ends, `deadline` passes or the waiting task is cancelled. The work itself is not stopped:
/// C calls cannot be. When it is left behind, `abandoned` is called at once, and `returned` when it ends after all:
/// always in that order, however close the two are.
package func abandonable<Value: Sendable>(
    until deadline: ContinuousClock.Instant,
    abandoned: @escaping @Sendable () -> Void,
    returned: @escaping @Sendable () -> Void,
    _ work: @escaping @Sendable () async throws(SmartCardError) -> Value
) async throws(SmartCardError) -> Value {
    let handoff = Handoff<Value>()
    Task {
        let result: Result<Value, SmartCardError>
        do throws(SmartCardError) {
            result = .success(try await work())
        } catch {
            result = .failure(error)
        }
        if !handoff.finish(result) { returned() }
    }
    let giveUp: @Sendable (SmartCardError) -> Void = { error in
        handoff.finish(.failure(error), first: abandoned)
    }
    let timer = Task {
        // Cancelled as soon as the work is done; then there is nothing to give up.
        guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
        giveUp(.timedOut)
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
        await withCheckedContinuation { handoff.wait($0) }
    } onCancel: {
        giveUp(.cancelled)
    }
    return try result.get()
}
