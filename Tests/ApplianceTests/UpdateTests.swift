import Foundation
import Glibc
import RealStackSuite
import TestRig
import Testing

extension RealStack {
    /// Long: a start takes a minute, and a fallback is four of them. `board/test-image` runs these; `board/test` does not.
    @Suite(
        .serialized, .timeLimit(.minutes(15)),
        .enabled(
            if: getenv("KAZASHI_UPDATES") != nil, "minutes each: board/test-image runs them"))
    struct UpdateTests {
        /// Nobody tells when a machine writes to its disk.
        private func wait(until holds: () async throws -> Bool) async throws {
            while try await !holds() { try await Task.sleep(for: .seconds(1)) }
        }

        private func reports(_ disk: FlashedDisk, _ text: String) async throws -> Bool {
            try await disk.text(of: "kazashi-report.txt")?.contains(text) == true
        }

        @Test("A newer system on a stick is installed into the other slot, runs, and is marked good")
        func update() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let before = try #require(await disk.environment())
            #expect(before["ORDER"] == "A B" && before["A_OK"] == "1" && before["B_OK"] == "0")
            let stick = try await disk.stick(version: "0.5.1")
            try await ApplianceMachine.whileRunning(disk, stick: stick) { _ in
                try await wait { try await reports(disk, "Kazashi 0.5.1, slot B") }
                try await wait { try await disk.environment()?["B_GOOD"] != nil }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "B A" && after["B_OK"] == "1" && after["B_TRY"] == "0", "\(after)")
                #expect(after["A_OK"] == "1" && after["B_GOOD"] != after["A_GOOD"])
            }
            // Switched off and on: it is no longer on trial. The stick holds nothing newer.
            try await ApplianceMachine.whileRunning(disk, stick: stick) { _ in
                try await wait { try await disk.environment()?["B_TRY"] == "1" }
                try await wait { try await disk.environment()?["B_TRY"] == "0" }
            }
        }

        @Test("One that does not start is given up after three tries, for good, and the report says so")
        func fallback() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            let stick = try await disk.stick(version: "0.5.1", fault: "no-start")
            try await ApplianceMachine.whileRunning(disk, stick: stick) { _ in
                try await wait { try await disk.environment()?["B_TRY"] == "3" }
                try await wait { try await reports(disk, "Slot B (version 0.5.1) did not start") }
                // A runs again, and does not install it again.
                try await wait { try await disk.environment()?["A_TRY"] == "0" }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "B A" && after["B_TRY"] == "3" && after["B_GOOD"] == nil, "\(after)")
            }
        }

        @Test(
            "Without what the loader remembers slot A starts, and it is written anew",
            arguments: [[], Array(repeating: 0x23, count: 100), Array(repeating: 0x00, count: 1_024)] as [[UInt8]])
        func torn(environment: [UInt8]) async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try await disk.setEnvironment(environment)
            try await ApplianceMachine.whileRunning(disk) { _ in
                try await wait { try await disk.environment()?["A_GOOD"] != nil }
                let after = try #require(await disk.environment())
                #expect(after["ORDER"] == "A B" && after["A_OK"] == "1" && after["A_TRY"] == "0", "\(after)")
            }
        }
    }
}
