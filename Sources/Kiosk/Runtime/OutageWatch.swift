internal import Login

/// Tells an outage from a moment without a reader: it lasts. One report an outage, and one for each new cause.
struct OutageWatch {
    private var since: (cause: Cause, at: ContinuousClock.Instant)?
    private var reported: Cause?
    private let shortest: Duration

    init(shortest: Duration) { self.shortest = shortest }

    /// The cause that is to be reported now; nil: nothing is.
    mutating func lasting(_ cause: Cause?, now: ContinuousClock.Instant = .now) -> Cause? {
        guard let cause else {
            (since, reported) = (nil, nil)
            return nil
        }
        guard let since, since.cause == cause else {
            since = (cause, now)
            return nil
        }
        guard reported != cause, now - since.at >= shortest else { return nil }
        reported = cause
        return cause
    }
}
