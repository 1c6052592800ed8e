internal import Synchronization
internal import Threads

/// How a part of the panel is.
package enum DeviceCondition: Hashable, Sendable {
    case well
    case faulty(DeviceFault)
    /// A call into it has not come back for so long that it does not count as working.
    case stuck
}

/// Whatever plays scores of one kind.
package protocol ScorePlayer<Step>: Sendable {
    associatedtype Step: Hashable & Sendable
    func post(_ score: Score<Step>)
    func run() async
    var condition: DeviceCondition { get }
}

/// Plays scores on one device, on a thread of its own: whoever posts goes on at once. A device that fails is opened again
/// every two seconds, and then shows what it should show now.
package actor DevicePlayer<Device: PanelDevice>: ScorePlayer {
    package typealias Step = Device.Step

    private struct Progress {
        var fault: DeviceFault?
        var callSince: ContinuousClock.Instant?
    }

    private nonisolated let executor: ThreadExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var device: Device
    private var isOpen = false
    private let retry: Duration
    private let finale: Device.Step?
    private nonisolated let progress = Mutex(Progress())
    /// What is to be played next: a task waits for its turn with it, and takes what is the newest then.
    private nonisolated let next = Mutex<Score<Device.Step>?>(nil)
    private nonisolated let scores: AsyncStream<Score<Device.Step>>
    private nonisolated let continuation: AsyncStream<Score<Device.Step>>.Continuation
    private nonisolated let report: @Sendable (DeviceCondition) -> Void

    private nonisolated let longestCall: Duration
    private static var longestEnd: Duration { .milliseconds(500) }

    /// - Parameters:
    ///   - longestCall: a call that takes longer has got stuck; a slow display's whole text takes 60 ms.
    ///   - finale: the last step, when the player ends: nobody is behind the device after it.
    ///   - report: told, on the device's thread, when it fails and when it is well again.
    package init(
        _ device: Device, name: String, retry: Duration = .seconds(2), longestCall: Duration = .seconds(3),
        finale: Device.Step? = nil,
        report: @escaping @Sendable (DeviceCondition) -> Void = { _ in }
    ) {
        executor = ThreadExecutor(name: name)
        (self.device, self.retry, self.longestCall) = (device, retry, longestCall)
        (self.finale, self.report) = (finale, report)
        (scores, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    deinit { executor.stop() }

    /// Plays from now on; returns at once.
    package nonisolated func post(_ score: Score<Device.Step>) { continuation.yield(score) }

    package nonisolated var condition: DeviceCondition {
        progress.withLock { progress in
            if let since = progress.callSince, since.duration(to: .now) > longestCall { return .stuck }
            return progress.fault.map { .faulty($0) } ?? .well
        }
    }

    /// Plays what is posted until the task is cancelled. A call that is stuck in the kernel is left behind.
    package nonisolated func run() async {
        var playing: Task<Void, Never>?
        for await score in scores {
            // Only the newest counts: a device that was stuck does not play what is over, and nothing heaps up behind it.
            let isAwaited = next.withLock { next in
                defer { next = score }
                return next != nil
            }
            guard !isAwaited else { continue }
            playing?.cancel()
            playing = Task { await self.playNext() }
        }
        playing?.cancel()
        // The device may never come back: its end is waited for only so long. This task is cancelled, another is not.
        await Task {
            let (ends, continuation) = AsyncStream<Never>.makeStream()
            Task {
                await self.end()
                continuation.finish()
            }
            let limit = Task {
                try? await Task.sleep(for: Self.longestEnd)
                continuation.finish()
            }
            for await _ in ends {}
            limit.cancel()
        }.value
    }

    private func playNext() async {
        if let score = next.withLock({ $0.take() }) { await play(score) }
    }

    private func play(_ score: Score<Device.Step>) async {
        repeat {
            for beat in score.beats {
                // A score that came meanwhile has taken over.
                guard !Task.isCancelled else { return }
                while !tryTo(beat.step) {
                    guard (try? await Task.sleep(for: retry)) != nil else { return }
                }
                guard beat.lasts > .zero else { continue }
                guard (try? await Task.sleep(for: beat.lasts)) != nil else { return }
            }
        } while score.repeats
    }

    private func tryTo(_ step: Device.Step) -> Bool {
        progress.withLock { $0.callSince = .now }
        var fault: DeviceFault?
        do throws(DeviceFault) {
            if !isOpen { try device.open() }
            isOpen = true
            try device.perform(step)
        } catch {
            if isOpen { device.close() }
            (isOpen, fault) = (false, error)
        }
        let changed = progress.withLock { progress in
            progress.callSince = nil
            defer { progress.fault = fault }
            return progress.fault != fault
        }
        if changed { report(fault.map { .faulty($0) } ?? .well) }
        return fault == nil
    }

    private func end() {
        guard isOpen else { return }
        if let finale { try? device.perform(finale) }
        device.close()
        isOpen = false
    }
}
