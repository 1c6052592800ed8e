import Login
import LoginSpace
import Testing

/// The search over everything the login can reach, for a counter-example to its eight properties. What a presence
/// was told is kept beside the machine, by the test alone.
@Suite struct LoginSearchTests {
    /// What happened to one presence, by the events and effects alone.
    struct Ghost: Hashable {
        var goodFacts: Set<Good> = []
        var isPinned = false
        var hasVerified = false
        var reported: Outcome?
        var shown: Outcome?
        var isForgotten = false
        var wasBegun = false
        var isSealed = false
        var wasAnnounced = false
        var isWithdrawn = false
        var isEnded = false
        /// The card of a visit that has not ended.
        var isAgain = false
        var isContinued = false
        /// What waits for the card to be taken.
        var waits: Set<Limit> = []
        /// What was asked and not yet answered: a fact counts once, and only as an answer.
        var asked: Set<Ask> = []

        enum Ask: Hashable { case lookUp, validate, challenge, countTries, verify, prove, pin }
        enum Good: Hashable { case active, validated, pinnedAnswer, enoughTries, accepted, proven, pinnedNow }
    }

    struct Node: Hashable {
        var machine: LoginMachine
        var ghosts: [Presence: Ghost]
    }

    @Test("The eight properties hold for every sequence of events")
    func properties() {
        let start = Node(machine: LoginMachine(), ghosts: [:])
        var visited: Set<Node> = [start]
        var frontier = [start]
        var announcements = 0
        while let node = frontier.popLast() {
            for event in StateSpace.events {
                guard let (next, effects) = step(node, event) else { continue }
                if effects.contains(where: { if case .announce = $0 { true } else { false } }) { announcements += 1 }
                if visited.insert(next).inserted { frontier.append(next) }
            }
            expectReadyReachable(node.machine)
        }
        // The search went somewhere: it saw announcements, and more states than a person would list.
        #expect(announcements > 0)
        #expect(visited.count > 1_000, "\(visited.count) states")
    }

    private func step(_ node: Node, _ event: LoginEvent) -> (Node, [LoginEffect])? {
        var next = node
        let current = node.machine.state.presence
        // An insertion brings a new number: one that the machine does not hold.
        if case .inserted(let presence) = event {
            guard !node.machine.state.mentions(presence) else { return nil }
            next.ghosts[presence] = Ghost()
        }
        if case .fact(let presence, let fact) = event { note(fact, of: presence, current: current, &next.ghosts) }
        let effects = next.machine.handle(event)

        // 5. A late result of an earlier presence changes nothing.
        if case .fact(let presence, let fact) = event, presence != current,
            !(node.machine.state.isSettled(presence) && [.passed(.reminder), .passed(.leftCard)].contains(fact))
        {
            #expect(effects.isEmpty && next.machine == node.machine, "late \(event) in \(node.machine.state)")
        }
        // 3. A removal before the proof is complete ends the presence.
        if case .removed = event, let current, node.machine.state.isBeforeProof {
            #expect(effects.contains(.report(current, .refused(.cardPulled))))
        }
        for effect in effects { check(effect, event, &next) }
        // 8. Whoever leaves a card behind is reminded, and it is reported: nothing else is shown until it is taken.
        if case .settled(let presence, _) = next.machine.state {
            #expect(next.ghosts[presence]?.waits == [.reminder, .leftCard])
        }
        // 3. After outcome and removal nothing of the patron is left in the state.
        for presence in next.ghosts.keys where next.ghosts[presence]?.isForgotten == true {
            #expect(!next.machine.state.mentions(presence))
            // It is over; the same number will be somebody new.
            next.ghosts[presence] = nil
        }
        return (next, effects)
    }

    private func note(_ fact: Fact, of presence: Presence, current: Presence?, _ ghosts: inout [Presence: Ghost]) {
        guard presence == current, ghosts[presence]?.reported == nil else { return }
        func answers(_ ask: Ghost.Ask) -> Bool { ghosts[presence]?.asked.remove(ask) != nil }
        switch fact {
        case .lookedUp(let result):
            guard answers(.lookUp) else { return }
            if [.activePinned, .activeUnpinned, .sameVisit].contains(result) {
                ghosts[presence]?.goodFacts.insert(.active)
            }
            ghosts[presence]?.isPinned = result == .activePinned || result == .sameVisit
            ghosts[presence]?.isAgain = result == .sameVisit
        case .validated(let validation):
            if answers(.validate), validation == .good { ghosts[presence]?.goodFacts.insert(.validated) }
        case .challengeAnswered(let answer):
            if answers(.challenge), answer == .pinnedKey { ghosts[presence]?.goodFacts.insert(.pinnedAnswer) }
        case .triesCounted(let left):
            if answers(.countTries), let left, left >= 5 { ghosts[presence]?.goodFacts.insert(.enoughTries) }
        case .birthDateVerified(let accepted):
            if answers(.verify), accepted { ghosts[presence]?.goodFacts.insert(.accepted) }
        case .proofChecked(let check):
            if answers(.prove), check == .proven { ghosts[presence]?.goodFacts.insert(.proven) }
        case .cardKeyPinned(let isOurs):
            if answers(.pin), isOurs { ghosts[presence]?.goodFacts.insert(.pinnedNow) }
        case .certificateRead, .identified, .cardFailed, .registryFailed, .announced, .passed: break
        }
    }

    private func check(_ effect: LoginEffect, _ event: LoginEvent, _ node: inout Node) {
        switch effect {
        case .announce(let clearance):
            // 1. Only with everything, in this same presence.
            let good = node.ghosts[clearance.presence]?.goodFacts ?? []
            #expect(good.isSuperset(of: [.active, .validated, .enoughTries, .accepted, .proven]))
            #expect(
                good.contains(.pinnedAnswer) || good.contains(.pinnedNow), "a card's key is pinned before announcing")
            #expect(node.ghosts[clearance.presence]?.isSealed == true, "announced without tokens")
            #expect(node.ghosts[clearance.presence]?.isAgain == false, "one visit announced twice")
            node.ghosts[clearance.presence]?.wasAnnounced = true
        case .withdraw(let presence):
            let ghost = node.ghosts[presence]
            #expect(ghost?.wasAnnounced == true && ghost?.isWithdrawn == false, "withdrawn without an announcement")
            node.ghosts[presence]?.isWithdrawn = true
        case .endPresence(let presence):
            let ghost = node.ghosts[presence]
            #expect(
                ghost?.reported == .welcomed || ghost?.reported == .refused(.tooSoon), "only a welcome ends")
            #expect(ghost?.isEnded == false)
            node.ghosts[presence]?.isEnded = true
        case .continueVisit(let presence):
            // 1. A visit goes on by nothing less than what began it.
            let ghost = node.ghosts[presence]
            #expect(ghost?.isAgain == true && ghost?.isContinued == false)
            #expect(
                ghost?.goodFacts.isSuperset(of: [
                    .active, .validated, .enoughTries, .accepted, .proven, .pinnedAnswer,
                ]) == true)
            node.ghosts[presence]?.isContinued = true
        case .noteRefusal(let presence):
            #expect(node.ghosts[presence]?.goodFacts.contains(.pinnedAnswer) == false)
            #expect(event == .fact(presence, .birthDateVerified(accepted: false)))
        case .verifyBirthDate(let presence):
            // 4. Once, after the pinned key's proof where there is one, with tries to spare.
            let ghost = node.ghosts[presence]
            #expect(ghost?.hasVerified == false)
            #expect(ghost?.goodFacts.isSuperset(of: [.active, .enoughTries, .validated]) == true)
            #expect(ghost?.isPinned == false || ghost?.goodFacts.contains(.pinnedAnswer) == true)
            node.ghosts[presence]?.hasVerified = true
            node.ghosts[presence]?.asked.insert(.verify)
        case .suspend(let presence):
            // 4. Only a card that proved itself under the pinned key suspends anyone.
            #expect(node.ghosts[presence]?.goodFacts.contains(.pinnedAnswer) == true)
            #expect(event == .fact(presence, .birthDateVerified(accepted: false)))
        case .show(.outcome(let outcome)):
            // 2. One outcome, shown once.
            for (presence, ghost) in node.ghosts where ghost.wasBegun && ghost.reported == nil {
                #expect(ghost.shown == nil)
                node.ghosts[presence]?.shown = outcome
                break
            }
        case .report(let presence, let outcome):
            #expect(node.ghosts[presence]?.reported == nil, "a second outcome of one presence")
            if outcome == .refused(.tooSoon) {
                #expect(node.ghosts[presence]?.isContinued == true, "welcomed again without a proof")
            }
            node.ghosts[presence]?.reported = outcome
            if let shown = node.ghosts[presence]?.shown { #expect(shown == outcome) }
        case .forget(let presence):
            guard let ghost = node.ghosts[presence] else { break }
            #expect(ghost.reported != nil, "forgotten without an outcome")
            // 7. What was announced is taken back unless it ended welcomed; a welcome's end is told.
            #expect(ghost.isWithdrawn == (ghost.wasAnnounced && ghost.reported != .welcomed))
            #expect(ghost.isEnded == (ghost.reported == .welcomed || ghost.isContinued))
            node.ghosts[presence]?.isForgotten = true
        case .begin(let presence):
            #expect(node.ghosts[presence]?.wasBegun == false)
            node.ghosts[presence]?.wasBegun = true
        case .read(let presence): #expect(node.ghosts[presence]?.wasBegun == true)
        case .seal(let presence):
            // Once, of whoever is registered and has a certificate that is good.
            #expect(node.ghosts[presence]?.isSealed == false)
            #expect(node.ghosts[presence]?.goodFacts.isSuperset(of: [.active, .validated]) == true)
            node.ghosts[presence]?.isSealed = true
        case .lookUp(let presence): node.ghosts[presence]?.asked.insert(.lookUp)
        case .validate(let presence): node.ghosts[presence]?.asked.insert(.validate)
        case .challenge(let presence): node.ghosts[presence]?.asked.insert(.challenge)
        case .countTries(let presence): node.ghosts[presence]?.asked.insert(.countTries)
        case .prove(let presence): node.ghosts[presence]?.asked.insert(.prove)
        case .pinCardKey(let presence): node.ghosts[presence]?.asked.insert(.pin)
        case .startDeadline(let presence, .reminder), .startDeadline(let presence, .leftCard):
            guard case .startDeadline(_, let limit) = effect else { break }
            #expect(node.ghosts[presence]?.reported != nil, "reminded before the outcome")
            #expect(node.ghosts[presence]?.waits.insert(limit).inserted == true)
        case .show(.takeCard):
            guard case .fact(let presence, .passed(.reminder)) = event else {
                Issue.record("a card is asked to be taken by \(event)")
                break
            }
            #expect(node.machine.state.isSettled(presence))
        case .reportLeftCard(let presence):
            #expect(event == .fact(presence, .passed(.leftCard)) && node.machine.state.isSettled(presence))
        case .show, .startDeadline, .identify, .releaseCard: break
        }
    }

    /// 6. With the card gone and the parts healthy, ready is reached within the longest deadline.
    private func expectReadyReachable(_ machine: LoginMachine) {
        var machine = machine
        _ = machine.handle(.health(nil))
        _ = machine.handle(.removed)
        if let presence = machine.state.presence {
            for limit in Limit.allCases { _ = machine.handle(.fact(presence, .passed(limit))) }
        }
        #expect(machine.state == .ready)
    }
}

extension LoginMachine.State {
    /// The presence whose facts count.
    var presence: Presence? {
        switch self {
        case .ready, .outOfService, .settled: nil
        case .reading(let tap), .proving(let tap), .announcing(let tap, _, _): tap.presence
        }
    }

    var isBeforeProof: Bool {
        switch self {
        case .reading, .proving: true
        case .ready, .outOfService, .settled, .announcing: false
        }
    }

    func isSettled(_ presence: Presence) -> Bool {
        if case .settled(presence, _) = self { true } else { false }
    }

    func mentions(_ presence: Presence) -> Bool {
        switch self {
        case .ready, .outOfService: false
        case .reading(let tap), .proving(let tap): tap.presence == presence
        case .announcing(let tap, _, let next): tap.presence == presence || next == presence
        case .settled(let settled, _): settled == presence
        }
    }
}
