import RealStackSuite
import Foundation
import Glibc
import Panel
import TestRig
import Testing

extension RealStack {
    /// An HD44780 on simulated GPIO lines and behind an I²C bus, driven by the installed service and decoded from what the
    /// kernel traced.
    @Suite(.timeLimit(.minutes(15)))
    struct GPIOMachineTests {
        /// RS, E, D4, D5, D6, D7: in an order of their own.
        private static let lines = [5, 3, 0, 6, 1, 4]
        /// The same on a Raspberry Pi's header, and the lamps and the buzzer of our overlay: `board/WIRING.md`.
        private static let header = [27, 17, 22, 23, 24, 25]
        private static let lamps = [5, 6, 13]
        private static let buzzer = 18
        private static let backpack = "hd44780-i2c:/dev/i2c-1:0x27"
        private static let trace = "/sys/kernel/tracing"
        private static let traced = "/run/traced"
        private static let chip = "/sys/kernel/config/gpio-sim/panel"

        private static func display(_ lines: [Int]) -> String {
            "hd44780:/dev/gpiochip0:" + lines.map(String.init).joined(separator: ",")
        }

        @Test(
            "Debian's backports kernel: the installed service drives an HD44780 on GPIO lines, and behind a backpack",
            .enabled(
                if: VirtualMachine.Kernel.backports.boots,
                "needs QEMU, a backports kernel and the tree that board/tree makes"))
        func panel() async throws {
            let machine = try await VirtualMachine(.backports) { files in
                try files.configure(display: Self.display(Self.lines))
                // The board's own bus comes first, so that the display's has the number of a Raspberry Pi's header.
                try files.write("i2c-i801\ni2c-dev\n", to: "/etc/modules-load.d/panel.conf")
            }
            _ = try await machine.whileRunning {
                try await lines(machine)
                try await backpack(machine)
            }
        }

        @Test(
            "arm64: display, lamps and buzzer of a Raspberry Pi's header, by the overlay that is installed",
            .enabled(
                if: VirtualMachine.Kernel.arm64.boots,
                "needs QEMU for arm64, and what board/tree arm64 and board/program arm64 make"))
        func header() async throws {
            let machine = try await VirtualMachine(.arm64) { files in
                try files.configure(
                    display: Self.display(Self.header),
                    panel: """
                        lights = ["kazashi:left", "kazashi:middle", "kazashi:right"]
                        beeper = "/dev/input/kazashi-beeper"
                        """)
            }
            _ = try await machine.whileRunning { try await header(machine) }
        }

        /// From here on this event is traced, and nothing else: time and `fields`, a Perl expression, one a line.
        private func trace(_ machine: VirtualMachine, _ event: String, _ fields: String) async throws {
            try await machine.must(
                "{ [ ! -s /run/trace.pid ] || kill $(cat /run/trace.pid); } && cd \(Self.trace) && echo 0 > events/enable && echo mono > trace_clock && echo 1 > events/\(event)/enable && (perl -ne 'BEGIN { $| = 1 } next unless /([0-9.]+): /; my $time = $1; \(fields)' trace_pipe > \(Self.traced) 2>&1 & echo $! > /run/trace.pid)"
            )
        }

        /// Only changes: all six are set each time. Lines are counted from the first chip's number on (GPIO_DYNAMIC_BASE).
        /// - Parameter others: lines that are none of the display's: written to a file of their own.
        private func traceLines(_ machine: VirtualMachine, besides others: [Int] = []) async throws {
            try await trace(
                machine, "gpio/gpio_value",
                "BEGIN { open $lamps, q(>), q(/run/lamps); $lamps->autoflush(1); $other{$_} = 1 for qw(\(others.map(String.init).joined(separator: " "))) } next unless /gpio_value: +(\\d+) +set +([01])$/ and $level{$1} != $2; $level{$1} = $2; my $line = $1 - 512; if ($other{$line}) { print $lamps \"$line $2\\n\" } else { print \"$time $line $2\\n\" }"
            )
        }

        /// Looks at the trace until there is what is looked for.
        private func traces(
            _ trace: inout DisplayTrace, _ machine: VirtualMachine, until isThere: (inout DisplayTrace) -> Bool
        ) async throws -> Bool {
            for _ in 0..<60 {
                trace.take(try await machine.must("tail -c +\(trace.bytes + 1) \(Self.traced)"))
                if isThere(&trace) { return true }
                try await Task.sleep(for: .milliseconds(500))
            }
            return false
        }

        private func shows(_ text: String, _ trace: inout DisplayTrace, _ machine: VirtualMachine) async throws -> Bool
        {
            try await traces(&trace, machine) { $0.shows(text) }
        }

        /// The laboratory shows every screen of every state.
        private func everything(_ machine: VirtualMachine, _ trace: inout DisplayTrace) async throws {
            let screens = try await machine.must(
                "systemctl stop kazashi && kazashi-lab panel --configuration /etc/kazashi/kazashi.toml --seconds 0"
            ).split(separator: "\n").map { $0.split(separator: "|").dropFirst().map(String.init) }
            #expect(screens.count > Message.all.count)
            var missing: [String]?
            _ = try await traces(&trace, machine) {
                missing = $0.missing(of: screens)
                return missing == nil
            }
            #expect(missing == nil)
            #expect(
                trace.model.faults == [] && trace.oddities == [], "\(trace.model.faults) \(trace.oddities.prefix(5))")
        }

        private func lines(_ machine: VirtualMachine) async throws {
            // Without its chip the display is missing; with one it is written to, by nobody outside the group.
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: missing'"))
            try await machine.must(
                "modprobe gpio-sim && mkdir -p \(Self.chip)/bank0 && echo 8 > \(Self.chip)/bank0/num_lines")
            try await traceLines(machine)
            var trace = DisplayTrace(.lines(Self.lines))
            try await machine.must("echo 1 > \(Self.chip)/live && grep -qx gpiochip0 \(Self.chip)/bank0/chip_name")
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: well'"))
            #expect(try await machine.must("stat -c '%G %a' /dev/gpiochip0") == "kazashi-panel 660")
            let held = try await machine.must("grep kazashi /sys/kernel/debug/gpio")
            #expect(held.split(separator: "\n").count { $0.contains(" output-") } == 6, "\(held)")
            #expect(try await shows("Hold here", &trace, machine))

            try await machine.startPilot()
            try await machine.must("kazashi-lab tap --profile /srv/pilot/cards/good.json --hold 8s")
            for text in ["Card accepted", "Take your card", "Hold here"] {
                #expect(try await shows(text, &trace, machine), "\(text)")
            }
            #expect(
                trace.model.faults == [] && trace.oddities == [], "\(trace.model.faults) \(trace.oddities.prefix(5))")

            // The chip goes and comes back.
            try await machine.must("echo 0 > \(Self.chip)/live")
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: missing'"))
            try await machine.must("echo 1 > \(Self.chip)/live")
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: well'"))
            #expect(try await shows("Hold here", &trace, machine))

            // Whoever polls a line sees fewer pulses than there are: that is why the trace is read.
            try await machine.must(
                "(perl -e 'open F, \"<\", glob \"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio\(Self.lines[1])/value\"; until (-e \"/run/done\") { sysseek F, 0, 0; sysread F, $v, 2; $v += 0; $n++ if $v && !$o; $o = $v } print $n' > /run/polled 2>&1 &)"
            )
            let before = trace.rises
            try await everything(machine, &trace)
            try await machine.must("touch /run/done; until [ -s /run/polled ]; do sleep 0.1; done")
            let polled = try #require(Int(try await machine.must("cat /run/polled")))
            #expect(polled < trace.rises - before)
        }

        /// Which lines of lamps and buzzer rose since they were last asked for, in turn, and which of them are high.
        private func lamps(_ machine: VirtualMachine, _ high: inout Set<Int>) async throws -> [Int] {
            try await machine.must("cat /run/lamps && : > /run/lamps").split(separator: "\n").compactMap { line in
                let parts = line.split(separator: " ").compactMap { Int($0) }
                guard let first = parts.first else { return nil }
                if parts.last == 0 {
                    high.remove(first)
                    return nil
                }
                high.insert(first)
                return first
            }
        }

        private func header(_ machine: VirtualMachine) async throws {
            // Traced from the display's first command on.
            try await machine.must("test $(uname -m) = aarch64 && systemctl stop kazashi")
            try await traceLines(machine, besides: Self.lamps + [Self.buzzer])
            var trace = DisplayTrace(.lines(Self.header))
            try await machine.must("systemctl start kazashi")
            for part in ["display", "lights", "sound"] {
                #expect(try await machine.waits(for: "kazashictl status | grep -q '\(part): well'"), "\(part)")
            }
            #expect(try await shows("Hold here", &trace, machine))
            var high: Set<Int> = []
            _ = try await lamps(machine, &high)
            #expect(high == [Self.lamps[0]])

            try await machine.startPilot()
            // A welcome has two tones, a refusal one; then those of a card that lies there.
            for (card, text, lamp, tones) in [
                ("good", "Card accepted", Self.lamps[1], 3), ("revoked", "ｶｳﾝﾀｰﾍﾄﾞｳｿﾞ", Self.lamps[2], 2),
            ] {
                try await machine.must("kazashi-lab tap --profile /srv/pilot/cards/\(card).json --hold 8s")
                for text in [text, "Take your card", "Hold here"] {
                    #expect(try await shows(text, &trace, machine), "\(card): \(text)")
                }
                let rose = try await lamps(machine, &high)
                #expect(high == [Self.lamps[0]])
                #expect(rose.first { Self.lamps.dropFirst().contains($0) } == lamp, "\(card): \(rose)")
                #expect(rose.count { $0 == Self.buzzer } >= tones, "\(card): \(rose)")
            }
            try await everything(machine, &trace)
        }

        private func backpack(_ machine: VirtualMachine) async throws {
            try await machine.must(
                "modprobe i2c-stub chip_addr=0x27 && grep -q 'SMBus stub' /sys/bus/i2c/devices/i2c-1/name && sed -i 's,^display = .*,display = \"\(Self.backpack)\",' /etc/kazashi/kazashi.toml"
            )
            try await trace(
                machine, "smbus/smbus_write",
                "print \"$time $1\\n\" if /smbus_write: i2c-1 a=027 f=0000 c=([0-9a-f]+) BYTE /")
            var trace = DisplayTrace(.backpack)
            try await machine.must("systemctl start kazashi")
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: well'"))
            #expect(try await machine.must("stat -c '%G %a' /dev/i2c-1 /dev/i2c-0") == "kazashi-panel 660\nroot 600")
            #expect(try await shows("Hold here", &trace, machine))
            try await everything(machine, &trace)
        }
    }
}
