package import Login

/// Every state that the login can reach, by every event, with two presences: the walk that the search for
/// counter-examples and the diagram share.
package enum StateSpace {
    package static let presences = [Presence(number: 1), Presence(number: 2)]

    /// Every fact that a presence can be told.
    package static let facts: [Fact] =
        [.certificateRead, .registryFailed, .triesCounted(nil), .triesCounted(4), .triesCounted(5), .triesCounted(10)]
        + [true, false].flatMap {
            [Fact.identified(isCard: $0), .birthDateVerified(accepted: $0), .cardKeyPinned($0)]
        }
        + Fact.LookUp.allCases.map(Fact.lookedUp) + Fact.Validation.allCases.map(Fact.validated)
        + Fact.ChallengeAnswer.allCases.map(Fact.challengeAnswered) + Fact.ProofCheck.allCases.map(Fact.proofChecked)
        + Fact.CardFailure.allCases.map(Fact.cardFailed) + Fact.Announced.allCases.map(Fact.announced)
        + Limit.allCases.map(Fact.passed)

    /// Every event. A cause stands for all causes: the machine does not look into it.
    package static let events: [LoginEvent] =
        [.removed, .health(nil), .health(.revocation)] + presences.map(LoginEvent.inserted)
        + presences.flatMap { presence in facts.map { .fact(presence, $0) } }

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
