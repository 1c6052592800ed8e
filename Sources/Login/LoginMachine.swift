/// The login: events in, effects out. It knows no clock, no card and no socket, and holds nothing of the patron.
package struct LoginMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case outOfService(Cause)
        case ready
        /// The certificate is read and looked up.
        case reading(Tap)
        /// The certificate is checked while the card proves itself.
        case proving(Tap)
        /// The proof is complete: a first card's key is pinned, then the library is asked. `isGone`: the card was taken;
        /// `next` waits on the reader meanwhile.
        case announcing(Tap, isGone: Bool, next: Presence?)
        /// Waiting for the removal.
        case settled(Presence, Outcome)
    }

    package private(set) var state: State
    private var health: Cause?

    /// A kiosk starts out of service: its parts report first.
    package init(cause: Cause = .reader) {
        state = .outOfService(cause)
        health = cause
    }

    package mutating func handle(_ event: LoginEvent) -> [LoginEffect] {
        switch (state, event) {
        case (_, .health(let cause)):
            health = cause
            return healthChanged()

        case (.ready, .inserted(let presence)):
            return begin(presence)
        case (.outOfService, .inserted(let presence)):
            let outcome = Outcome.refused(.outOfService)
            state = .settled(presence, outcome)
            return [.report(presence, outcome)] + waitForRemoval(presence)
        case (.reading(let tap), .inserted(let next)), (.proving(let tap), .inserted(let next)):
            // The removal before it was missed.
            return end(tap.presence, .refused(.cardPulled), cardIsGone: true) + inserted(next)
        case (.announcing(let tap, _, _), .inserted(let next)):
            state = .announcing(tap, isGone: true, next: next)
            return []
        case (.settled(let presence, let outcome), .inserted(let next)):
            return leave(presence, outcome) + rest() + inserted(next)

        case (.ready, .removed), (.outOfService, .removed):
            return []
        case (.reading(let tap), .removed), (.proving(let tap), .removed):
            return end(tap.presence, .refused(.cardPulled), cardIsGone: true)
        case (.announcing(let tap, _, _), .removed):
            state = .announcing(tap, isGone: true, next: nil)
            return []
        case (.settled(let presence, let outcome), .removed):
            return leave(presence, outcome) + rest()

        case (.reading(let tap), .fact(let presence, let fact)) where tap.presence == presence:
            return reading(tap, fact)
        case (.proving(let tap), .fact(let presence, let fact)) where tap.presence == presence:
            return proving(tap, fact)
        case (.announcing(let tap, let isGone, let next), .fact(let presence, let fact)) where tap.presence == presence:
            return announcing(tap, isGone: isGone, next: next, fact)
        case (.settled(let held, _), .fact(let presence, .passed(.reminder))) where held == presence:
            return [.show(.takeCard)]
        case (.settled(let held, _), .fact(let presence, .passed(.leftCard))) where held == presence:
            return [.reportLeftCard(presence)]
        // A late result of an earlier presence, or of this one after its outcome.
        case (.reading, .fact), (.proving, .fact), (.announcing, .fact), (.settled, .fact), (.ready, .fact),
            (.outOfService, .fact):
            return []
        }
    }

    // MARK: Between presences

    private mutating func healthChanged() -> [LoginEffect] {
        switch state {
        case .ready, .outOfService: rest()
        // A presence runs to its outcome; what failed shows in its facts.
        case .reading, .proving, .announcing, .settled: []
        }
    }

    private mutating func rest() -> [LoginEffect] {
        let before = state
        state = health.map { .outOfService($0) } ?? .ready
        guard state != before else { return [] }
        return [.show(health.map { .outOfService($0) } ?? .ready)]
    }

    private mutating func begin(_ presence: Presence) -> [LoginEffect] {
        state = .reading(Tap(presence: presence))
        return [.show(.holdStill), .begin(presence), .startDeadline(presence, .card), .read(presence)]
    }

    private mutating func inserted(_ presence: Presence) -> [LoginEffect] { handle(.inserted(presence)) }

    /// The one outcome of a presence.
    private mutating func end(_ presence: Presence, _ outcome: Outcome, cardIsGone: Bool) -> [LoginEffect] {
        let effects: [LoginEffect] = [
            .releaseCard(presence), .show(.outcome(outcome)), .report(presence, outcome),
        ]
        guard cardIsGone else {
            state = .settled(presence, outcome)
            return effects + waitForRemoval(presence)
        }
        return effects + leave(presence, outcome) + rest()
    }

    /// The outcome is told, and the card still lies there.
    private func waitForRemoval(_ presence: Presence) -> [LoginEffect] {
        [.startDeadline(presence, .reminder), .startDeadline(presence, .leftCard)]
    }

    /// The card is gone and the outcome is told.
    private func leave(_ presence: Presence, _ outcome: Outcome) -> [LoginEffect] {
        switch outcome {
        case .welcomed, .refused(.tooSoon): [.endPresence(presence), .forget(presence)]
        case .refused: [.forget(presence)]
        }
    }

    // MARK: Reading

    private mutating func reading(_ tap: Tap, _ fact: Fact) -> [LoginEffect] {
        var tap = tap
        let presence = tap.presence
        switch (tap.step, fact) {
        case (_, .cardFailed(let failure)): return end(presence, .refused(failure.refusal), cardIsGone: false)
        case (_, .passed(.card)): return end(presence, .refused(.cardTimeout), cardIsGone: false)
        case (_, .registryFailed): return end(presence, .refused(.outOfService), cardIsGone: false)
        case (.reading, .certificateRead):
            tap.step = .lookingUp
            state = .reading(tap)
            return [.lookUp(presence)]
        case (.lookingUp, .lookedUp(let result)): return lookedUp(tap, result)
        case (.identifyingUnknown, .identified(let isCard)):
            return end(presence, .refused(isCard ? .unregistered : .notThisCard), cardIsGone: false)
        case (_, .certificateRead), (_, .lookedUp), (_, .identified), (_, .validated), (_, .challengeAnswered),
            (_, .triesCounted), (_, .birthDateVerified), (_, .proofChecked), (_, .cardKeyPinned), (_, .announced),
            (_, .passed(.announcement)), (_, .passed(.reminder)), (_, .passed(.leftCard)):
            return []
        }
    }

    private mutating func lookedUp(_ tap: Tap, _ result: Fact.LookUp) -> [LoginEffect] {
        var tap = tap
        let presence = tap.presence
        switch result {
        case .unknown:
            tap.step = .identifyingUnknown
            state = .reading(tap)
            return [.identify(presence)]
        case .suspended: return stop(tap, .suspended)
        case .keyMissing: return stop(tap, .cardKeyUnknown)
        case .birthDateSpent: return stop(tap, .birthDateRefused)
        case .activeUnpinned:
            tap.meet(.registration)
            tap.step = .identifying
            state = .proving(tap)
            return [.validate(presence), .identify(presence)]
        case .activePinned, .sameVisit:
            tap.meet(.registration)
            tap.isPinned = true
            tap.isAgain = result == .sameVisit
            tap.step = .challenging
            state = .proving(tap)
            return [.validate(presence), .challenge(presence)]
        }
    }

    /// The card has nothing more to say, but its certificate may name an earlier code.
    private mutating func stop(_ tap: Tap, _ refusal: Refusal) -> [LoginEffect] {
        var tap = tap
        tap.step = .stopped
        tap.refusal = refusal
        state = .proving(tap)
        return [.validate(tap.presence)]
    }

    // MARK: Proving

    private mutating func proving(_ tap: Tap, _ fact: Fact) -> [LoginEffect] {
        var tap = tap
        let presence = tap.presence
        switch (tap.step, fact) {
        case (_, .cardFailed(let failure)): return end(presence, .refused(failure.refusal), cardIsGone: false)
        case (_, .passed(.card)): return end(presence, .refused(tap.refusal ?? .cardTimeout), cardIsGone: false)
        case (_, .registryFailed): return end(presence, .refused(.outOfService), cardIsGone: false)

        case (_, .validated(let validation)) where !tap.isValidated:
            return validated(tap, validation)
        case (.identifying, .identified(let isCard)):
            guard isCard else { return end(presence, .refused(.notThisCard), cardIsGone: false) }
            tap.step = .challenging
            state = .proving(tap)
            return [.challenge(presence)]
        case (.challenging, .challengeAnswered(let answer)):
            // Where a key is pinned, only a signature under it goes on; where none is, only the age record can tell.
            guard answer == (tap.isPinned ? .pinnedKey : .unpinned) else { return refuse(tap, .notProven) }
            if tap.isPinned { tap.meet(.cardKey) }
            tap.step = .countingTries
            state = .proving(tap)
            return [.countTries(presence)]
        case (.countingTries, .triesCounted(let left)):
            // No patron's card is ever locked by us: half of its ten tries are never touched.
            guard let left, left >= 5 else { return refuse(tap, .triesLow) }
            tap.step = .awaitingValidation
            return verifyBirthDate(tap)
        case (.verifying, .birthDateVerified(accepted: true)):
            tap.step = .proving
            state = .proving(tap)
            return [.prove(presence)]
        case (.verifying, .birthDateVerified(accepted: false)):
            // Only a proven card may suspend anyone. Of another one it is remembered: our mistake in a record must not spend
            // a patron's tries.
            let note: LoginEffect = tap.met.contains(.cardKey) ? .suspend(presence) : .noteRefusal(presence)
            return [note] + refuse(tap, .birthDateRefused)
        case (.proving, .proofChecked(let check)):
            return proofChecked(tap, check)
        case (_, .certificateRead), (_, .identified), (_, .lookedUp), (_, .validated), (_, .challengeAnswered),
            (_, .triesCounted), (_, .birthDateVerified), (_, .proofChecked), (_, .cardKeyPinned), (_, .announced),
            (_, .passed(.announcement)), (_, .passed(.reminder)), (_, .passed(.leftCard)):
            return []
        }
    }

    private mutating func validated(_ tap: Tap, _ validation: Fact.Validation) -> [LoginEffect] {
        var tap = tap
        tap.isValidated = true
        switch validation {
        case .good:
            tap.meet(.path)
            tap.meet(.revocation)
            if let refusal = tap.refusal { return refuse(tap, refusal) }
            return (tap.isAgain ? [] : [.seal(tap.presence)]) + verifyBirthDate(tap)
        case .untrusted: return refuse(tap, .untrusted)
        case .expired: return refuse(tap, .expired)
        case .revoked: return refuse(tap, .revoked)
        case .undetermined: return refuse(tap, .undetermined)
        }
    }

    /// Once a presence, and only when both the card's answer and the certificate's check speak for it.
    private mutating func verifyBirthDate(_ tap: Tap) -> [LoginEffect] {
        var tap = tap
        guard tap.step == .awaitingValidation, tap.isValidated else {
            state = .proving(tap)
            return []
        }
        tap.step = .verifying
        state = .proving(tap)
        return [.verifyBirthDate(tap.presence)]
    }

    private mutating func proofChecked(_ tap: Tap, _ check: Fact.ProofCheck) -> [LoginEffect] {
        var tap = tap
        switch check {
        case .notProven: return refuse(tap, .notProven)
        case .otherBirthDate: return refuse(tap, .birthDateRefused)
        case .proven:
            tap.meet(.proof)
            tap.meet(.birthDate)
            let presence = tap.presence
            guard !tap.isAgain else { return continueVisit(tap) }
            let start: [LoginEffect] = [.startDeadline(presence, .announcement)]
            let end: [LoginEffect] = [.releaseCard(presence), .show(.asking)]
            guard tap.isPinned else {
                tap.step = .pinning
                state = .announcing(tap, isGone: false, next: nil)
                return start + [.pinCardKey(presence)] + end
            }
            guard let announcement = announce(tap, isGone: false, next: nil) else { return refuse(tap, .notProven) }
            return start + announcement + end
        }
    }

    /// Welcomed a moment ago, and proven again: the welcome is shown again, and nobody is told twice.
    private mutating func continueVisit(_ tap: Tap) -> [LoginEffect] {
        guard tap.clearance != nil else { return refuse(tap, .notProven) }
        return [.continueVisit(tap.presence)] + end(tap.presence, .refused(.tooSoon), cardIsGone: false)
    }

    /// Nil when a requirement is not met: then nothing is said to anybody.
    private mutating func announce(_ tap: Tap, isGone: Bool, next: Presence?) -> [LoginEffect]? {
        guard let clearance = tap.clearance else { return nil }
        var tap = tap
        tap.step = .announcing
        state = .announcing(tap, isGone: isGone, next: next)
        return [.announce(clearance)]
    }

    /// Refuses with the first code that applies: the certificate's check may still name an earlier one.
    private mutating func refuse(_ tap: Tap, _ refusal: Refusal) -> [LoginEffect] {
        var tap = tap
        let first = min(refusal, tap.refusal ?? refusal)
        guard tap.isValidated else {
            tap.refusal = first
            tap.step = .stopped
            state = .proving(tap)
            return []
        }
        return end(tap.presence, .refused(first), cardIsGone: false)
    }

    // MARK: Announcing

    private mutating func announcing(_ tap: Tap, isGone: Bool, next: Presence?, _ fact: Fact) -> [LoginEffect] {
        var tap = tap
        let outcome: Outcome
        switch (tap.step, fact) {
        case (.pinning, .cardKeyPinned(true)):
            tap.meet(.cardKey)
            if let announcement = announce(tap, isGone: isGone, next: next) { return announcement }
            outcome = .refused(.notProven)
        case (.pinning, .cardKeyPinned(false)): outcome = .refused(.notProven)
        case (.pinning, .registryFailed): outcome = .refused(.outOfService)
        case (.announcing, .announced(.acknowledged)): outcome = .welcomed
        case (_, .announced(.refused)): outcome = .refused(.libraryRefused)
        case (_, .announced(.unreachable)), (_, .passed(.announcement)): outcome = .refused(.libraryUnreachable)
        case (_, .announced(.acknowledged)), (_, .cardKeyPinned), (_, .registryFailed), (_, .certificateRead),
            (_, .identified), (_, .lookedUp), (_, .validated), (_, .challengeAnswered), (_, .triesCounted),
            (_, .birthDateVerified), (_, .proofChecked), (_, .cardFailed), (_, .passed(.card)), (_, .passed(.reminder)),
            (_, .passed(.leftCard)):
            return []
        }
        // Announced, and not welcomed: whoever was told is told otherwise.
        let withdrawal: [LoginEffect] =
            tap.step == .announcing && outcome != .welcomed ? [.withdraw(tap.presence)] : []
        let effects = withdrawal + end(tap.presence, outcome, cardIsGone: isGone)
        guard let next else { return effects }
        return effects + inserted(next)
    }
}

extension Fact.CardFailure {
    fileprivate var refusal: Refusal {
        switch self {
        case .notThisCard: .notThisCard
        case .pulled: .cardPulled
        case .error: .cardError
        case .timeout: .cardTimeout
        }
    }
}
