import TestRig
import Testing

extension ImageRuns {
    /// What a board gets over by itself.
    struct RecoveryTests {
        @Test("A system whose blocks decay restarts, and after three times the other one runs: the display says so")
        func decay() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try await disk.settle()
            try await disk.fillSlotB()
            // The image's root is longer.
            try disk.decay("kazashi-root-b", of: 40 << 20)
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Update error V6") != nil)
                #expect(await machine.display.shows("Hold here") != nil)
                let report = try await disk.report(with: "ran well before and did not start in three tries")
                #expect(report.contains("slot A"), "\(report)")
                #expect(try await disk.environment()?["B_TRY"] == "3")
            }
        }

        @Test("When the system's first process hangs the watchdog restarts the board")
        func watchdog() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try await disk.settle()
            try await disk.addKernelWords(GuestShell.kernelWords)
            let console = try PseudoTerminal()
            defer { console.close() }
            try await ApplianceMachine.whileRunning(disk, .init(console: console)) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                try await ImageRuns.wait { try await disk.environment()?["A_TRY"] == "0" }
                // systemd stops all that it does, and the kernel goes on.
                try await GuestShell(console).begin("kill -SEGV 1")
                try await ImageRuns.wait { try await disk.environment()?["A_TRY"] == "1" }
                #expect(await machine.display.shows("Hold here") != nil)
            }
        }

        @Test(
            "A reader and a display that are pulled out: R1 on the display, the doctor's words in the report; both come back"
        )
        func unplugged() async throws {
            let disk = try await FlashedDisk()
            defer { disk.remove() }
            try await disk.settle()
            try await ApplianceMachine.whileRunning(disk) { machine in
                #expect(await machine.display.shows("Hold here") != nil)
                machine.unplug(.display)
                // Its line has the same name again once the kiosk has let it go; nobody sees when.
                try await Task.sleep(for: .seconds(15))
                machine.plugDisplay()
                #expect(await machine.display.shows("Hold here") != nil)
                machine.unplug(.reader)
                #expect(await machine.display.shows("Unavailable R1") != nil)
                let report = try await disk.report(with: "There is no reader")
                #expect(report.contains("Plug the reader in, or try another one"), "\(report)")
            }
        }
    }
}
