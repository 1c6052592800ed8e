internal import Announcement
internal import Cryptography
internal import Login
internal import Settings

/// The stay of a welcomed patron: from the welcome until their card has been away for `min_gap`. A card that flutters, or is
/// laid down twice, is the same visit; libraries are told of its beginning and of its end.
struct Visit {
    /// The one that was welcomed.
    let presence: Presence
    /// A keyed hash of the certificate, under a key of this process.
    let mark: [UInt8]
    /// What was announced.
    let sealing: Task<TapAnnouncement?, Never>
    /// When the visit ends, unless the card comes back and proves itself; nil while it lies there.
    private(set) var due: ContinuousClock.Instant?
    /// A card that was laid down before the visit was over, and may be the visit's. Its outcome is waited for, and no longer
    /// than a card may take.
    private(set) var candidate: Presence?
    /// Ends it when it is due.
    var timer: Task<Void, Never>?

    init(_ presence: Presence, mark: [UInt8], sealing: Task<TapAnnouncement?, Never>) {
        (self.presence, self.mark, self.sealing) = (presence, mark, sealing)
    }

    /// The card was taken.
    mutating func leave(until due: ContinuousClock.Instant) { (self.due, candidate) = (due, nil) }

    /// A card lies there, and nobody knows yet which.
    mutating func expect(_ presence: Presence) { if due != nil { candidate = presence } }

    /// It was proven.
    mutating func goOn() {
        (due, candidate) = (nil, nil)
        timer?.cancel()
    }

    /// The candidate has its outcome, and was not proven.
    mutating func giveUp(_ presence: Presence) { if candidate == presence { candidate = nil } }

    /// Whether it is over now.
    func isOver(at now: ContinuousClock.Instant) -> Bool { due.map { $0 <= now } ?? false && candidate == nil }
}

extension KioskRuntime {
    /// Whether this is the card, or a copy of the certificate, of the visit that has not ended. Any other one ends it: the
    /// next patron stands there.
    func isOfVisit(_ certificate: SecretBytes) -> Bool {
        guard let visit else { return false }
        guard visit.mark == mark(of: certificate) else {
            if visit.due != nil { endVisit() }
            return false
        }
        return true
    }

    /// A patron is welcomed.
    func beginVisit(_ presence: Presence) {
        endVisit()
        guard let held = evidence[presence], let certificate = held.certificate, let sealing = held.sealing else {
            return
        }
        visit = Visit(presence, mark: mark(of: certificate), sealing: sealing)
    }

    /// The card of the visit is gone: for now, or for good.
    func leaveVisit() {
        guard visit != nil else { return }
        let due = ContinuousClock.now + .milliseconds(configuration.minGap * 1_000)
        visit?.timer?.cancel()
        visit?.leave(until: due)
        guard configuration.minGap > 0 else { return endVisit() }
        visit?.timer = Task {
            guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { return }
            endVisitIfOver()
        }
    }

    func continueVisit() { visit?.goOn() }

    /// A presence has its outcome, though its card may lie there for long: where it was to prove that the visit goes on, it
    /// has not.
    func giveUpVisit(_ presence: Presence) {
        visit?.giveUp(presence)
        endVisitIfOver()
    }

    private func endVisitIfOver() { if visit?.isOver(at: .now) == true { endVisit() } }

    /// Tells who was told of it that it is over.
    func endVisit() {
        guard let visit else { return }
        visit.timer?.cancel()
        self.visit = nil
        tell(visit.sealing) { $0.endPresence($1) }
    }

    private func mark(of certificate: SecretBytes) -> [UInt8] {
        var bytes = certificate.withBytes { Array($0) }
        defer { wipe(&bytes) }
        return hmacSHA256(bytes, key: visitKey)
    }
}
