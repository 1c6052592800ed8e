internal import Announcement
internal import Logging
internal import Panel

extension Logger {
    /// One line for what an operator should know of the outbox.
    func note(_ notice: OutboxNotice) {
        func words(_ advice: OperatorAdvice, _ more: Metadata) -> Metadata {
            more.merging(["advice": "\(advice.english)", "対処": "\(advice.japanese)"]) { $1 }
        }
        switch notice {
        case .waiting(let library, let attempts):
            warning(
                "owed events wait", metadata: words(.owedWaits, ["library": "\(library)", "attempts": "\(attempts)"]))
        case .caughtUp(let library): info("owed events delivered", metadata: ["library": "\(library)"])
        case .refused(let library, let event, let error):
            self.error(
                "an owed event was refused for good and is dropped",
                metadata: words(
                    .owedRefused, ["library": "\(library)", "event": "\(event)", "err": "\(error.rawValue)"]))
        case .expired(let library, let event):
            error(
                "an owed event is dropped after thirty days",
                metadata: words(.owedExpired, ["library": "\(library)", "event": "\(event)"]))
        case .damaged(let library):
            error(
                "an owed event was damaged and is dropped", metadata: words(.databaseDamaged, ["library": "\(library)"])
            )
        case .unavailable: error("the outbox can not be read or written", metadata: words(.databaseUnavailable, [:]))
        }
    }
}
