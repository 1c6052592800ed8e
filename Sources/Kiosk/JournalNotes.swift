internal import Advice
internal import Announcement
internal import Logging
internal import Login
internal import Panel
internal import Registry
internal import SecurityEvents
internal import Service
internal import Settings

extension Logger {
    /// The configuration can't be used.
    func note(_ error: ConfigurationError) {
        self.error(
            "the configuration cannot be used",
            metadata: Self.words(Cause.configuration.code, error.kind.advice, ["seen": "\(error.seen)"]))
    }

    /// The registrations, or what is pending, could not be read or written.
    func note(_ error: RegistryError, _ text: Message) {
        self.error(text, metadata: Self.words("\(error)", error.code.advice))
    }

    /// One line when a part of the panel fails, and one when it is well again. Taps go on without it.
    func note(_ part: FrontPanel.Part, _ condition: DeviceCondition) {
        let part = ["part": "\(part.rawValue)"] as Metadata
        switch condition {
        case .well: info("a part of the panel works again", metadata: part)
        case .stuck:
            warning(
                "a part of the panel does not work",
                metadata: Self.words(condition.code, DeviceFault.blocked.advice, part))
        case .faulty(let fault): warning("a part of the panel does not work", metadata: Self.words(fault, part))
        }
    }

    /// One line for what an operator should know of pending events.
    func note(_ notice: OutboxNotice) {
        switch notice {
        case .waiting(let library, let attempts, let error):
            var seen: Metadata = ["library": "\(library)", "attempts": "\(attempts)"]
            if let error { seen["err"] = "\(error.rawValue)" }
            // Where the library says why, that is what to do something about.
            warning(
                "\(OutboxTrouble.waiting.advice.happened.english)",
                metadata: Self.words(OutboxTrouble.waiting.code, error?.advice ?? OutboxTrouble.waiting.advice, seen))
        case .caughtUp(let library): info("pending events delivered", metadata: ["library": "\(library)"])
        case .refused(let library, let event, let error):
            note(
                OutboxTrouble.refused, at: .error,
                ["library": "\(library)", "event": "\(event)", "err": "\(error.rawValue)"])
        case .tooLarge(let library, let event):
            note(OutboxTrouble.tooLarge, at: .error, ["library": "\(library)", "event": "\(event)"])
        case .expired(let library, let event):
            note(OutboxTrouble.expired, at: .error, ["library": "\(library)", "event": "\(event)"])
        case .damaged(let library): note(OutboxTrouble.damaged, at: .error, ["library": "\(library)"])
        case .unavailable: note(OutboxTrouble.unavailable, at: .error)
        }
    }
}
