package import Login

/// Every state that the login can reach, by every event, with two presences: the walk that the search for
/// counter-examples and the diagram share.
package enum StateSpace {
    package static let presences = [Presence(number: 1), Presence(number: 2)]

    /// Every fact that a presence can be told.
    package static let facts: [Fact] = {
        var facts: [Fact] = [.certificateRead, .registryFailed]
        facts += [nil, 4, 5, 10].map { .triesCounted($0) }
        for answer in [true, false] {
            facts += [.identified(isCard: answer), .birthDateVerified(accepted: answer), .cardKeyPinned(answer)]
        }
        facts += Fact.LookUp.allCases.map(Fact.lookedUp)
        facts += Fact.Validation.allCases.map(Fact.validated)
        facts += Fact.ChallengeAnswer.allCases.map(Fact.challengeAnswered)
        facts += Fact.ProofCheck.allCases.map(Fact.proofChecked)
        facts += Fact.CardFailure.allCases.map(Fact.cardFailed)
        facts += Fact.Announced.allCases.map(Fact.announced)
        facts += Limit.allCases.map(Fact.passed)
        return facts
    }()

    /// Every event. A cause stands for all causes: the machine does not look into it.
    package static let events: [LoginEvent] = {
        var events: [LoginEvent] = [.removed, .health(nil), .health(.revocation)]
        events += presences.map(LoginEvent.inserted)
        for presence in presences { events += facts.map { .fact(presence, $0) } }
        return events
    }()

    /// The name of a state in the diagram.
    package static func name(_ state: LoginMachine.State) -> String {
        switch state {
        case .outOfService: "outOfService"
        case .ready: "ready"
        case .reading: "reading"
        case .proving: "proving"
        case .announcing: "announcing"
        case .settled: "settled"
        }
    }
}
