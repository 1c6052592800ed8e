package import Login

/// What happened in a tap that is only tried.
package enum Rehearsed: Sendable {
    case state(Cause?)
    case fact(Fact)
    case outcome(Outcome)
}
