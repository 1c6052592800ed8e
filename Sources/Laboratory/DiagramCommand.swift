internal import ArgumentParser
internal import Login
internal import LoginSpace

/// Draws the login from its code: the walk over all reachable states, its edges gathered by state and event.
struct DiagramCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diagram", abstract: "Print the login's state diagram (Mermaid), drawn from the machine itself.")

    func run() throws { emit(Diagram.mermaid()) }
}
