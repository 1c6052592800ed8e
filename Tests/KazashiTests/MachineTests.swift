import Glibc
import Laboratory
import Testing

extension RealStack {
    @Suite(
        .enabled(if: VirtualMachine.boots, "needs QEMU, a kernel and the tree that board/tree makes"),
        .timeLimit(.minutes(5)))
    struct MachineTests {
        @Test(
            "On a kernel's own devices: a display on USB that is pulled and comes back, LEDs, a beeper that is heard; a keyboard is none"
        )
        func panel() async throws {
            let machine = try await VirtualMachine()
            do {
                try await use(machine)
            } catch {
                print(machine.log)
                _ = await machine.stop()
                throw error
            }
            // A welcome's two short tones, and those of a card that lies there.
            let heard = try #require(await machine.stop())
            #expect(heard.seconds > 0.3 && heard.seconds < 10, "\(heard)")
            #expect(abs(heard.frequency - 2_000) < 100, "\(heard)")
        }

        private func lights(_ machine: VirtualMachine) async throws -> String {
            try await machine.run(
                "cat /sys/class/leds/input0::capslock/brightness /sys/class/leds/input0::numlock/brightness /sys/class/leds/input0::scrolllock/brightness | tr -d '\\n'"
            ).output
        }

        private func use(_ machine: VirtualMachine) async throws {
            #expect(await machine.display.shows("Hold here") != nil, "\(machine.log)")
            // What the kiosk asked the adapter for is what QEMU's end of the line is set to.
            var line = try #require(machine.display.settings)
            #expect(cfgetospeed(&line) == speed_t(B9600))
            #expect(line.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
            #expect(try await machine.waits(for: "kazashictl status | grep -q 'sound: well'"))
            #expect(try await lights(machine) == "100")

            try await machine.run(
                "kazashictl key show | sed 's/^{\"keys\":\\[//; s/\\]}$//' > /srv/pilot/kiosk.jwk; (kazashi-lab library --folder /srv/pilot >/dev/null 2>&1 &)"
            )
            let registered = try await machine.run("kazashictl registration import - < /srv/pilot/registrations.json")
            #expect(registered.code == 0, "\(registered)")
            #expect(try await machine.waits(for: "grep -q ':22E7 .* 0A' /proc/net/tcp"), "the desk listens")
            try await machine.run("(kazashi-lab tap --profile /srv/pilot/cards/good.json --hold 8s >/dev/null 2>&1 &)")
            #expect(await machine.display.shows("OK - take card") != nil)
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
