internal import Announcement
internal import Logging
internal import SecurityEvents
internal import Service

extension Logger {
    /// One line for what an operator should know of the outbox.
    func note(_ notice: OutboxNotice) {
        switch notice {
        case .waiting(let library, let attempts):
            note(.owedWaits, ["library": "\(library)", "attempts": "\(attempts)"])
        case .caughtUp(let library): info("owed events delivered", metadata: ["library": "\(library)"])
        case .refused(let library, let event, let error):
            note(
                .owedRefused, at: .error, ["library": "\(library)", "event": "\(event)", "err": "\(error.rawValue)"])
        case .expired(let library, let event):
            note(.owedExpired, at: .error, ["library": "\(library)", "event": "\(event)"])
        case .damaged(let library):
            note(.owedDamaged, at: .error, ["library": "\(library)"])
        case .unavailable: note(.outboxUnavailable, at: .error)
        }
    }
}
