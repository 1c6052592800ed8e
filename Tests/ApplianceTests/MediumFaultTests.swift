import TestRig
import Testing

extension ImageRuns {
    /// A medium that is full, damaged, or takes nothing: the display says so, and what can go on does.
    struct MediumFaultTests {
        /// A board that has taken its settings in.
        private func filled() async throws -> FlashedDisk {
            let disk = try await FlashedDisk()
            try await disk.settle()
            try await ApplianceMachine.whileRunning(disk) { _ in _ = try await disk.report(with: "== kazashi doctor") }
            return disk
        }

        @Test("The partition KAZASHI is full, damaged or missing: its code is shown, and the last good settings serve")
        func setup() async throws {
            let disk = try await filled()
            defer { disk.remove() }
            try await disk.fillSetup()
            let before = try await disk.text(of: "kazashi-report.txt")
            try await serves(disk, after: "Setup U6")
            // An old report is better than half of a new one.
            #expect(try await disk.text(of: "kazashi-report.txt") == before)
            try disk.overwrite("kazashi-setup")
            try await serves(disk, after: "Setup U1")
            try await disk.delete("kazashi-setup")
            try await serves(disk, after: "Setup U1")
        }

        @Test("The data partition is full, another board's or unreadable, or the medium takes nothing")
        func data() async throws {
            let (disk, other) = (try await filled(), try await filled())
            defer { disk.remove() }
            defer { other.remove() }
            let key = try ApplianceLibrary.key(in: await other.report(with: "== kazashi doctor"))
            // Suspensions could not be kept: no card is taken.
            try await disk.fillData()
            try await shows("Unavailable D2", disk)
            // A medium is whole with it: it is the other board.
            try disk.takeData(of: other)
            try await disk.remove("kazashi-report.txt")
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                let report = try await disk.report(with: "== kazashi doctor")
                #expect(key != nil && ApplianceLibrary.key(in: report) == key, "\(report)")
            }
            try await shows("Setup U5", disk, isProtected: true)
            try disk.overwrite("kazashi-data")
            try await disk.remove("kazashi-report.txt")
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Setup U5") != nil)
                let report = try await disk.report(with: "None: the data partition could not be had.")
                #expect(report.contains("U5 The data partition does not take the settings"), "\(report)")
            }
        }

        private func shows(_ code: String, _ disk: FlashedDisk, isProtected: Bool = false) async throws {
            try await ApplianceMachine.whileRunning(disk, .init(isProtected: isProtected)) { machine in
                #expect(await machine.display.shows(code) != nil)
            }
        }

        private func serves(_ disk: FlashedDisk, after code: String) async throws {
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows(code) != nil)
                #expect(await machine.display.shows("Hold here") != nil)
            }
        }
    }
}
