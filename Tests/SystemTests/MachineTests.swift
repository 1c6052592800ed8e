import RealStackSuite
import Foundation
import Glibc
import TestRig
import Testing

extension RealStack {
    @Suite(
        .enabled(if: VirtualMachine.Kernel.debian12.boots, "needs QEMU, a kernel and the tree that board/tree makes"),
        .timeLimit(.minutes(5)))
    struct MachineTests {
        @Test(
            "On a kernel's own devices: a display on USB that is pulled and comes back, LEDs, a beeper that is heard; a keyboard is none"
        )
        func panel() async throws {
            let machine = try await VirtualMachine(.debian12, prepare: Self.prepare)
            // A welcome's two short tones, and those of a card that lies there.
            let heard = try #require(await machine.whileRunning { try await use(machine) })
            #expect(heard.seconds > 0.3 && heard.seconds < 10, "\(heard)")
            #expect(abs(heard.frequency - 2_000) < 100, "\(heard)")
        }

        /// udev's rules are the installed ones, told of these devices' names.
        private static func prepare(_ files: DebianTree) throws {
            try files.configure(
                timeSource: "synchronised", display: "cd5220:/dev/ttyUSB0",
                panel: """
                    lights = ["input0::capslock", "input0::numlock", "input0::scrolllock"]
                    beeper = "/dev/input/kazashi-beeper"
                    """)
            // The adapter's own driver comes later than the service, as when somebody plugs it in.
            try files.write("pcspkr\nevdev\nxhci_pci\n", to: "/etc/modules-load.d/panel.conf")
            try files.write("blacklist ftdi_sio\n", to: "/etc/modprobe.d/later.conf")
            // A time server in the machine, and a client that leaves the kernel's flag alone (no rtcsync).
            try files.write(
                "local stratum 1\nallow 127.0.0.0/8\nport 123\ncmdport 0\nbindcmdaddress /\npidfile /run/time-server.pid\n",
                to: "/etc/time-server.conf")
            try files.write(
                "server 127.0.0.1 iburst minpoll 0 maxpoll 2\nport 0\ncmdport 0\nbindcmdaddress /\npidfile /run/time-client.pid\n",
                to: "/etc/time-client.conf")
            let rules = "/usr/lib/udev/rules.d/70-kazashi.rules"
            let installed = String(decoding: try Data(contentsOf: URL(filePath: files.root + rules)), as: UTF8.self)
            try files.write(
                installed.replacingOccurrences(of: #"DRIVERS=="pwm-beeper|"#, with: #"DRIVERS=="pcspkr|"#)
                    .replacingOccurrences(of: #"KERNEL=="kazashi:*""#, with: #"KERNEL=="input*::*lock""#), to: rules)
        }

        /// No time server yet; then one; then the kernel takes its word back.
        private func clock(_ machine: VirtualMachine) async throws {
            let before = try await machine.run("kazashictl doctor")
            #expect(before.output.contains("WRONG     clock: system clock not synchronised"), "\(before)")
            try await machine.run(
                "chronyd -u root -x -f /etc/time-server.conf; chronyd -u root -f /etc/time-client.conf")
            #expect(await machine.display.shows("Hold here") != nil, "\(machine.log)")
            let after = try await machine.run("kazashictl doctor")
            #expect(after.output.contains("ok        clock: synchronised\n"), "\(after)")
            // The client leaves STA_UNSYNC set (adjtimex(2); struct timex's status lies at byte 40): its error is what counts.
            let flag = "perl -e 'my $t = \"\\0\" x 256; syscall(159, $t); print unpack(\"x40 i\", $t) & 64'"
            #expect(try await machine.run(flag).output == "64")
            // Setting the clock clears what the kernel knew (ntp_clear): it was right in this boot, and is believed in it.
            #expect(
                try await machine.run(
                    "p=$(cat /run/time-client.pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.1; done; date -s \"@$(date +%s)\" && systemctl restart kazashi"
                )
                .code == 0)
            #expect(await machine.display.shows("Hold here") != nil)
            let later = try await machine.run("kazashictl doctor")
            #expect(later.output.contains("ok        clock: synchronised earlier"), "\(later)")
            // Of a control group's version 2: nothing of a patron goes to a swap.
            #expect(
                try await machine.run("cat /sys/fs/cgroup/system.slice/kazashi.service/memory.swap.max").output == "0")
        }

        private func lights(_ machine: VirtualMachine) async throws -> String {
            try await machine.run(
                "cat /sys/class/leds/input0::capslock/brightness /sys/class/leds/input0::numlock/brightness /sys/class/leds/input0::scrolllock/brightness | tr -d '\\n'"
            ).output
        }

        private func use(_ machine: VirtualMachine) async throws {
            // Ready for the service manager long before it is ready for cards; nothing blocks on that.
            #expect(try await machine.waits(for: "systemctl is-active -q kazashi"))
            #expect(
                try await machine.run("timeout 20 systemctl reload kazashi && timeout 20 systemctl try-restart kazashi")
                    .code == 0)
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: missing'"))
            // A driver that is loaded later than the service started: its devices are the service's all the same.
            #expect(try await machine.run("modprobe ftdi_sio").code == 0)
            // The sandbox names devices by number: these are the kernel's own.
            #expect(try await machine.run("modprobe cdc_acm").code == 0)
            let numbers = try await machine.run(
                "awk '$2 ~ /^(ttyS|ttyUSB|ttyACM|input)$/ {print $1, $2}' /proc/devices | sort -n | tr '\\n' ';'")
            #expect(numbers.output == "4 ttyS;13 input;166 ttyACM;188 ttyUSB;", "\(numbers)")
            #expect(await machine.display.shows("Unavailable C1") != nil, "\(machine.log)")
            try await clock(machine)
            // What the kiosk asked the adapter for is what QEMU's end of the line is set to.
            var line = try #require(machine.display.settings)
            #expect(cfgetospeed(&line) == speed_t(B9600))
            #expect(line.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'sound: well'"))
            #expect(try await lights(machine) == "100")

            try await machine.startPilot()
            try await machine.run("(kazashi-lab tap --profile /srv/pilot/cards/good.json --hold 8s >/dev/null 2>&1 &)")
            #expect(await machine.display.shows("Card accepted") != nil)
            #expect(try await lights(machine) == "010")
            #expect(await machine.display.shows("Take your card") != nil)
            #expect(await machine.display.shows("Hold here") != nil)

            machine.unplugDisplay()
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: missing'"))
            #expect(try await machine.run("kazashictl status | grep -q ': ready'").code == 0)
            machine.plugDisplay()
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'display: well'"))
            #expect(await machine.display.shows("Hold here") != nil)

            // A keyboard makes no tones, even where its rights were given away.
            try await machine.run(
                "systemctl stop kazashi; chmod 0666 /dev/input/event0; sed -i 's,/dev/input/kazashi-beeper,/dev/input/event0,' /etc/kazashi/kazashi.toml"
            )
            let doctor = try await machine.run("kazashictl doctor")
            #expect(doctor.code == 1 && doctor.output.contains("sound: /dev/input/event0: wrong_kind"), "\(doctor)")
        }
    }
}
