@testable import Login
import Testing

@Suite struct LoginMachineTests {
    let first = Presence(number: 1)
    let second = Presence(number: 2)

    /// A machine after these events.
    private func machine(_ events: LoginEvent...) -> LoginMachine {
        var machine = LoginMachine()
        for event in [.health(nil)] + events { _ = machine.handle(event) }
        return machine
    }

    private func proving(pinned: Bool = true, validated: Bool = true) -> LoginMachine {
        var machine = machine(.inserted(first), .fact(first, .certificateRead))
        _ = machine.handle(.fact(first, .lookedUp(pinned ? .activePinned : .activeUnpinned)))
        if !pinned { _ = machine.handle(.fact(first, .identified(isCard: true))) }
        if validated { _ = machine.handle(.fact(first, .validated(.good))) }
        return machine
    }

    private func announcing() -> LoginMachine {
        var machine = proving()
        for fact: Fact in [
            .challengeAnswered(.pinnedKey), .triesCounted(10), .birthDateVerified(accepted: true),
            .proofChecked(.proven),
        ] { _ = machine.handle(.fact(first, fact)) }
        return machine
    }

    private func outcome(_ effects: [LoginEffect]) -> String? {
        effects.compactMap { if case .report(_, let outcome) = $0 { outcome.code } else { nil } }.first
    }

    @Test("A first tap pins the card's key before anything is announced")
    func firstTap() {
        var machine = proving(pinned: false)
        #expect(machine.handle(.fact(first, .challengeAnswered(.unpinned))) == [.countTries(first)])
        #expect(machine.handle(.fact(first, .triesCounted(10))) == [.verifyBirthDate(first)])
        #expect(machine.handle(.fact(first, .birthDateVerified(accepted: true))) == [.prove(first)])
        let proven = machine.handle(.fact(first, .proofChecked(.proven)))
        #expect(proven.contains(.pinCardKey(first)))
        #expect(!proven.contains { if case .announce = $0 { true } else { false } })
        let pinned = machine.handle(.fact(first, .cardKeyPinned(true)))
        #expect(pinned.contains { if case .announce = $0 { true } else { false } })
    }

    @Test("VERIFY waits for the certificate's check, in whichever order they come")
    func anyOrder() {
        var machine = proving(validated: false)
        _ = machine.handle(.fact(first, .challengeAnswered(.pinnedKey)))
        #expect(machine.handle(.fact(first, .triesCounted(10))) == [])
        #expect(machine.handle(.fact(first, .validated(.good))) == [.seal(first), .verifyBirthDate(first)])
    }

    @Test("Five tries left are enough", arguments: [5, 6, 10])
    func enoughTries(left: Int) {
        var machine = proving()
        _ = machine.handle(.fact(first, .challengeAnswered(.pinnedKey)))
        #expect(machine.handle(.fact(first, .triesCounted(left))) == [.verifyBirthDate(first)])
    }

    @Test("What did not change is not shown again")
    func sameHealth() {
        var machine = machine()
        #expect(machine.handle(.health(nil)) == [])
        #expect(machine.handle(.health(.clock)) == [.show(.outOfService(.clock))])
        #expect(machine.handle(.health(.clock)) == [])
        #expect(machine.handle(.health(.reader)) == [.show(.outOfService(.reader))])
    }

    @Test("Nothing less than every requirement gives a clearance")
    func clearance() {
        for missing in Requirement.allCases {
            var tap = Tap(presence: first)
            #expect(tap.clearance == nil)
            for requirement in Requirement.allCases where requirement != missing { tap.meet(requirement) }
            #expect(tap.clearance == nil, "without \(missing)")
            tap.meet(missing)
            #expect(tap.clearance?.presence == first)
        }
    }

    @Test(
        "A card that lies there at its welcome is waited for; one that is gone is not, whoever waits behind it",
        arguments: [true, false])
    func welcomeOf(pinned: Bool) {
        func atWelcome(_ events: LoginEvent...) -> [LoginEffect] {
            var machine = proving(pinned: pinned)
            for fact: Fact in [
                .challengeAnswered(pinned ? .pinnedKey : .unpinned), .triesCounted(10),
                .birthDateVerified(accepted: true), .proofChecked(.proven),
            ] { _ = machine.handle(.fact(first, fact)) }
            if !pinned { _ = machine.handle(.fact(first, .cardKeyPinned(true))) }
            for event in events { _ = machine.handle(event) }
            return machine.handle(.fact(first, .announced(.acknowledged)))
        }
        let there = atWelcome()
        #expect(there.contains(.startDeadline(first, .reminder)) && !there.contains(.forget(first)))
        for gone in [atWelcome(.removed), atWelcome(.removed, .inserted(second)), atWelcome(.inserted(second))] {
            #expect(!gone.contains(.startDeadline(first, .reminder)) && gone.contains(.forget(first)))
            #expect(gone.contains(.endPresence(first)))
        }
    }

    @Test("No patron's card is locked by us", arguments: [nil, 0, 1, 4] as [Int?])
    func triesLow(left: Int?) {
        var machine = proving()
        _ = machine.handle(.fact(first, .challengeAnswered(.pinnedKey)))
        #expect(outcome(machine.handle(.fact(first, .triesCounted(left)))) == "tries_low")
    }

    @Test("A proven card that refuses the birth date suspends; an unproven one does not")
    func suspension() {
        for pinned in [true, false] {
            var machine = proving(pinned: pinned)
            _ = machine.handle(.fact(first, .challengeAnswered(pinned ? .pinnedKey : .unpinned)))
            _ = machine.handle(.fact(first, .triesCounted(10)))
            let effects = machine.handle(.fact(first, .birthDateVerified(accepted: false)))
            #expect(effects.contains(.suspend(first)) == pinned)
            #expect(effects.contains(.noteRefusal(first)) == !pinned)
            #expect(outcome(effects) == "birth_date_refused")
        }
    }

    @Test("The first code that applies is told, though a later one was known first")
    func firstCode() {
        var machine = proving(validated: false)
        #expect(outcome(machine.handle(.fact(first, .challengeAnswered(.otherKey)))) == nil)
        #expect(outcome(machine.handle(.fact(first, .validated(.revoked)))) == "revoked")
    }

    @Test("A suspended registration still names a revoked certificate")
    func suspendedAndRevoked() {
        var machine = machine(.inserted(first), .fact(first, .certificateRead))
        #expect(machine.handle(.fact(first, .lookedUp(.suspended))) == [.validate(first)])
        #expect(outcome(machine.handle(.fact(first, .validated(.revoked)))) == "revoked")
    }

    @Test("The announcement goes on when the card is taken, and the next card waits for it")
    func nextCardWaits() {
        var machine = announcing()
        #expect(machine.handle(.removed) == [])
        #expect(machine.handle(.inserted(second)) == [])
        let effects = machine.handle(.fact(first, .announced(.acknowledged)))
        #expect(outcome(effects) == "ok")
        #expect(effects.contains(.forget(first)))
        #expect(effects.contains(.read(second)))
    }

    @Test("A card laid down while out of service is told so, and does not start when service returns")
    func outOfService() {
        var machine = LoginMachine()
        #expect(outcome(machine.handle(.inserted(first))) == "out_of_service")
        #expect(machine.handle(.health(nil)) == [])
        #expect(machine.handle(.removed).contains(.show(.ready)))
    }

    @Test("The same card again is proven again: then the welcome is shown, and nothing is sealed or announced")
    func tooSoon() {
        var machine = machine(.inserted(first), .fact(first, .certificateRead))
        #expect(machine.handle(.fact(first, .lookedUp(.sameVisit))) == [.validate(first), .challenge(first)])
        #expect(machine.handle(.fact(first, .validated(.good))) == [])
        _ = machine.handle(.fact(first, .challengeAnswered(.pinnedKey)))
        #expect(machine.handle(.fact(first, .triesCounted(10))) == [.verifyBirthDate(first)])
        #expect(machine.handle(.fact(first, .birthDateVerified(accepted: true))) == [.prove(first)])
        let effects = machine.handle(.fact(first, .proofChecked(.proven)))
        #expect(outcome(effects) == "too_soon")
        #expect(effects.contains(.continueVisit(first)))
        #expect(effects.contains(.show(.outcome(.refused(.tooSoon)))))
        #expect(machine.handle(.removed).contains(.endPresence(first)))
    }

    @Test("A copy of the card that was just welcomed is refused like any copy")
    func copiedAgain() {
        var machine = machine(.inserted(first), .fact(first, .certificateRead))
        _ = machine.handle(.fact(first, .lookedUp(.sameVisit)))
        _ = machine.handle(.fact(first, .validated(.good)))
        let effects = machine.handle(.fact(first, .challengeAnswered(.otherKey)))
        #expect(outcome(effects) == "not_proven")
        #expect(!effects.contains(.continueVisit(first)))
        #expect(!machine.handle(.removed).contains(.endPresence(first)))
    }

    @Test("Where the birth date was refused twice, no VERIFY is sent; a revoked certificate is named all the same")
    func birthDateSpent() {
        for (validation, code) in [(Fact.Validation.good, "birth_date_refused"), (.revoked, "revoked")] {
            var machine = machine(.inserted(first), .fact(first, .certificateRead))
            #expect(machine.handle(.fact(first, .lookedUp(.birthDateSpent))) == [.validate(first)])
            let effects = machine.handle(.fact(first, .validated(validation)))
            #expect(outcome(effects) == code)
            #expect(!effects.contains(.verifyBirthDate(first)) && !effects.contains(.noteRefusal(first)))
        }
    }

    @Test("A library that stays silent ends at the announcement's deadline")
    func unreachable() {
        var machine = announcing()
        #expect(outcome(machine.handle(.fact(first, .passed(.announcement)))) == "library_unreachable")
    }
}
