package import Login
package import Panel

/// Shows faces, apart from the login. An outcome stands long enough to be read, even when the card is gone at once.
actor PanelDriver {
    private let panel: FrontPanel
    private var outcomeUntil: ContinuousClock.Instant?
    private var later: Task<Void, Never>?

    private static let reading = Duration.seconds(2)

    private nonisolated let faces: AsyncStream<Face>
    private nonisolated let continuation: AsyncStream<Face>.Continuation

    init(_ panel: FrontPanel) {
        self.panel = panel
        (faces, continuation) = AsyncStream.makeStream()
    }

    /// Hands a face over and goes on at once; faces are shown in the order in which they came.
    nonisolated func post(_ face: Face) { continuation.yield(face) }

    /// Shows what is posted until the task is cancelled.
    func run() async {
        let working = Task { [panel] in await panel.run() }
        for await face in faces { show(face) }
        later?.cancel()
        working.cancel()
        await working.value
    }

    /// Comes back when the driver takes turns.
    func pulse() {}

    nonisolated var conditions: [(part: FrontPanel.Part, condition: DeviceCondition)] { panel.conditions }

    private func show(_ face: Face) {
        later?.cancel()
        later = nil
        switch face {
        case .ready, .outOfService:
            if let until = outcomeUntil, until > .now {
                later = Task {
                    guard (try? await Task.sleep(until: until, clock: .continuous)) != nil else { return }
                    panel.show(face.message)
                }
                return
            }
        case .holdStill, .asking, .takeCard: outcomeUntil = nil
        case .outcome: outcomeUntil = .now + Self.reading
        }
        panel.show(face.message)
    }
}

extension Face {
    /// Account problems share one neutral message.
    package var message: Message {
        switch self {
        case .ready: .ready
        case .holdStill: .holdStill
        case .asking: .pleaseWait
        case .takeCard: .takeCard
        case .outOfService(let cause): .outOfService(cause.shortCode)
        case .outcome(.welcomed): .welcome
        case .outcome(.refused(let refusal)):
            switch refusal {
            case .notThisCard: .notThisCard
            case .cardPulled: .tryAgain
            case .cardError, .cardTimeout: .tryWithoutCase
            case .unregistered, .untrusted, .expired, .revoked, .undetermined, .suspended, .cardKeyUnknown, .notProven,
                .triesLow, .birthDateRefused, .libraryRefused:
                .seeTheCounter
            case .libraryUnreachable: .networkError
            // The same visit: the welcome again.
            case .tooSoon: .welcome
            case .outOfService: .seeTheCounter
            }
        }
    }
}

extension Cause {
    package var shortCode: OutOfServiceCode {
        switch self {
        case .configuration: .configuration
        case .clock: .clock
        case .reader: .reader
        case .cardService: .cardService
        case .revocation: .revocation
        case .registry: .registry
        case .storage: .storage
        }
    }
}
