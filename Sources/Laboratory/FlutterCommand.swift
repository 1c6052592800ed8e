internal import ArgumentParser
internal import Pilot

struct FlutterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flutter",
        abstract: "Let a card flutter on the reader, and see that each stay is one session at the library's desk.",
        discussion: "Exit code 1 when a stay was opened or closed more or less than once.")
    @Option(help: "How long; 255 at the most.") var minutes: UInt8 = 10
    @Option(help: "The same seed gives the same flutter.") var seed: UInt64 = 1

    func run() async throws {
        let report = try await FlutterRun(seed: seed).run(for: .seconds(60 * Int(minutes))) { report in
            note("\(report.stays) stays, \(report.contacts) contacts, \(report.faults.count) faults")
        }
        report.faults.forEach(emit)
        let codes = report.codes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        emit("\(report.stays) stays, \(report.contacts) contacts: \(codes)")
        emit("sessions at the desk: \(report.opened) opened, \(report.closed) closed")
        if !report.faults.isEmpty { throw ExitCode(1) }
    }
}
