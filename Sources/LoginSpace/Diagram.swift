internal import Login

/// The login as a state diagram: the walk over all reachable states, its edges gathered by state and event.
package enum Diagram {
    package static func mermaid() -> String {
        var edges: [Edge: Set<String>] = [:]
        var visited: Set<LoginMachine> = [LoginMachine()]
        var frontier: [LoginMachine] = [LoginMachine()]
        while let machine = frontier.popLast() {
            for event in StateSpace.events {
                var next = machine
                _ = next.handle(event)
                let edge = Edge(from: StateSpace.name(machine.state), to: StateSpace.name(next.state))
                if next != machine, edge.from != edge.to { edges[edge, default: []].insert(label(event)) }
                if visited.insert(next).inserted { frontier.append(next) }
            }
        }
        let lines = edges.sorted { ($0.key.from, $0.key.to) < ($1.key.from, $1.key.to) }.map { edge, labels in
            "    \(edge.from) --> \(edge.to): \(labels.sorted().joined(separator: ", "))"
        }
        return (["stateDiagram-v2", "    [*] --> outOfService"] + lines).joined(separator: "\n")
    }

    private struct Edge: Hashable { let from, to: String }

    private static func label(_ event: LoginEvent) -> String {
        switch event {
        case .health(nil): "healthy"
        case .health: "unhealthy"
        case .inserted: "inserted"
        case .removed: "removed"
        case .fact(_, let fact):
            switch fact {
            case .certificateRead: "certificate read"
            case .identified: "identified"
            case .lookedUp: "looked up"
            case .validated: "validated"
            case .challengeAnswered: "challenge answered"
            case .triesCounted: "tries counted"
            case .birthDateVerified: "birth date verified"
            case .proofChecked: "proof checked"
            case .cardKeyPinned: "card key pinned"
            case .cardFailed: "card failed"
            case .registryFailed: "registry failed"
            case .announced: "announced"
            case .passed(.card): "card deadline"
            case .passed(.announcement): "announcement deadline"
            case .passed(.reminder): "reminder"
            case .passed(.leftCard): "left card"
            }
        }
    }
}
