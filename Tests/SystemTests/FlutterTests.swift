import RealStackSuite
import Pilot
import Testing

extension RealStack {
    /// By the clock: here, where nothing else runs beside it.
    @Suite(.timeLimit(.minutes(2))) struct FlutterTests {
        @Test("Some stays of a fluttering card: each is one session at the desk")
        func flutter() async throws {
            let report = try await FlutterRun(seed: 7).run(for: .seconds(12))
            #expect(report.faults == [])
            #expect(report.stays > 0 && report.opened == report.stays && report.closed == report.stays)
        }
    }
}
