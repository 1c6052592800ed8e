import RealStackSuite
import CLinux
import Foundation
import Pilot
import TestRig
import Testing

extension RealStack {
    @Suite(.enabled(if: ServiceTree.boots, "needs root, systemd-nspawn and the tree that board/tree makes"))
    struct BootedServiceTests {
        private func withTree(_ body: (ServiceTree) async throws -> Void) async throws {
            let tree = try await ServiceTree()
            do {
                try await body(tree)
            } catch {
                await tree.stop()
                throw error
            }
            await tree.stop()
        }

        /// From the installed service to one that knows the pilot's patrons, and a desk that knows its key.
        private func start(_ tree: ServiceTree) async throws {
            #expect(try await tree.run("systemctl", "start", "kazashi").code == 0)
            let keys = try await tree.kazashi("key", "show").output
            let set = try #require(
                try JSONSerialization.jsonObject(with: Data(keys.utf8)) as? [String: [[String: String]]])
            let key = try JSONSerialization.data(withJSONObject: try #require(set["keys"]?.first))
            try key.write(to: URL(filePath: tree.files.root + "/srv/pilot/kiosk.jwk"))
            try tree.startDesk()
            let records = [UInt8](
                try Data(contentsOf: URL(filePath: tree.files.root + "/srv/pilot/registrations.json")))
            let imported = try await tree.kazashi("registration", "import", "-", input: records)
            #expect(imported.code == 0, "\(imported)")
        }

        private func tap(_ tree: ServiceTree) async throws {
            try await tree.run("kazashi-lab", "tap", "--profile", "/srv/pilot/cards/good.json", "--hold", "1500ms")
        }

        @Test(
            "Installed and started: ready, a tap is acknowledged, the display says so; then it is removed, all but its state"
        )
        func life() async throws {
            try await withTree { tree in
                // Before the start, as the technician is told to: with the service's keys, user and rights.
                #expect(try await tree.run("systemctl", "stop", "kazashi").code == 0)
                let first = try await tree.kazashi("doctor")
                #expect(first.code == 1 && first.output.contains("WRONG     library central"), "\(first)")
                for part in ["reader", "keys", "rights", "display"] {
                    #expect(first.output.contains("ok        \(part): "), "\(first)")
                }
                try await start(tree)
                #expect(try await tree.property("ActiveState") == "active")
                #expect(await tree.shows("Hold here       TEST"))
                try await tap(tree)
                #expect(await tree.shows("Card accepted   TEST"))
                let status = try await tree.kazashi("status")
                #expect(status.code == 0 && status.output.contains("ok 1") && status.output.contains("display: well"))
                // Nothing of this was worth a complaint of the thread pool's in the journal.
                #expect(try await !tree.run("journalctl", "--no-pager", "-o", "cat").output.contains("thread priority"))
                // The group may ask, others may not.
                for (group, code) in [("kazashi", Int32(0)), ("nogroup", 3)] {
                    let asked = try await tree.run(
                        "setpriv", "--reuid=nobody", "--regid=\(group)", "--clear-groups", "kazashi", "status",
                        "--config",
                        "/etc/kazashi/kazashi.toml")
                    #expect(asked.code == code, "\(group): \(asked)")
                }
                // Whoever collects metrics may read them.
                #expect(
                    try await tree.run(
                        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat",
                        "/run/kazashi/kazashi.prom"
                    ).output.contains("kazashi_reader_up 1"))
                let log = try await tree.log
                #expect(log.contains("code=ok"))
                for identity in PilotCards.identities { #expect(!log.contains(identity)) }
                #expect(
                    try await tree.run("journalctl", "-u", "kazashi", "-p", "warning", "--no-pager", "-o", "cat").output
                        .contains("out of service"))
                // What `systemctl edit` writes has the last word.
                #expect(
                    try await tree.show("kazashi.service", ["-p", "TasksMax"])
                        .hasPrefix("TasksMax=63"))
                // A command runs under the service's own properties.
                let properties = [
                    "User", "Group", "StateDirectory", "UMask", "DevicePolicy", "DeviceAllow",
                    "RestrictAddressFamilies",
                    "ProtectSystem", "ReadWritePaths", "ProtectHome", "PrivateTmp", "ProtectProc", "ProcSubset",
                    "SystemCallFilter", "CapabilityBoundingSet", "NoNewPrivileges", "LimitNOFILE", "MemoryMax",
                    "MemorySwapMax", "LoadCredentialEncrypted", "Environment", "ProtectClock",
                ].flatMap { ["-p", $0] }
                #expect(
                    try await tree.run("systemd-run", "--quiet", "--unit=kazashi-command-probe", "sleep", "600").code
                        == 0)
                let service = try await tree.show("kazashi.service", properties)
                let command = try await tree.show("kazashi-command-probe.service", properties)
                #expect(command == service, "\(command)\n\(service)")
                #expect(service.contains("adjtimex") && service.contains("MemorySwapMax=0"), "\(service)")
                try await tree.run("systemctl", "stop", "kazashi-command-probe")
                // systemd finds nothing to say about the units: it would not fail on what it does not know.
                for unit in ["kazashi.service", "kazashi-keys.service"] {
                    let verified = try await tree.run(
                        "systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/\(unit)")
                    #expect(verified.code == 0 && (verified.output + verified.error).isEmpty, "\(verified)")
                }
                let doctor = try await tree.kazashi("doctor")
                #expect(doctor.code == 0, "\(doctor.output)")
                // One card, walked through with the service stopped: its keys are not gone for that. vpcd tells up to 400 ms
                // later that the card before it is gone.
                #expect(await tree.shows("ｶｻﾞｼﾃｸﾀﾞｻｲ"))
                #expect(try await tree.run("systemctl", "stop", "kazashi").code == 0)
                let walking = try tree.walking()
                for await line in walking.lines where line.hasPrefix("ready") { break }
                try await tap(tree)
                #expect(await walking.exitCode() == 0, "\(walking.standardOutput)\(walking.standardError)")
                #expect(walking.standardOutput.contains("everything holds"))
                // As its own user, without a shell, and with nothing that it does not need.
                let user = try await tree.run("getent", "passwd", "kazashi").output
                #expect(user.contains("/usr/sbin/nologin"))
                // LEDs that no rule handed over: root's alone, and the service is not root.
                let leds = ["left", "middle", "right"].map { "/srv/leds/\($0)" }
                for led in leds {
                    let words = "mkdir -p \(led) && echo 0 > \(led)/brightness && chmod 0644 \(led)/brightness"
                    #expect(try await tree.run("/bin/sh", "-c", words).code == 0)
                }
                try tree.files.configure(panel: "lights = \(leds)")
                let refused = try await tree.kazashi("doctor")
                #expect(refused.code == 1 && refused.output.contains("WRONG     lights: "), "\(refused.output)")
                #expect(refused.output.contains(": refused"))
                // Pauses that grow, where systemd knows them.
                let version = try await tree.run("systemctl", "--version").output.split(separator: " ").dropFirst()
                    .first
                #expect(
                    try await tree.run("test", "-e", "/usr/lib/systemd/system/kazashi.service.d/back-off.conf").code
                        == (version.flatMap { Int($0) }.map { $0 >= 254 } == true ? 0 : 1))
                let uninstalled = try await tree.files.uninstall()
                #expect(uninstalled.code == 0 && uninstalled.output.contains("What stays"))
                let left = try await tree.run("find", "/usr", "/etc", "/var/lib", "-xdev", "-iname", "*kazashi*").output
                let names = left.split(separator: "\n").filter { !$0.hasPrefix("/usr/bin/kazashi-lab") }
                #expect(
                    Set(names).isSubset(of: [
                        "/etc/kazashi", "/etc/kazashi/kazashi.toml", "/etc/systemd/system/kazashi.service.d",
                        "/var/lib/kazashi", "/var/lib/kazashi/kazashi.sqlite", "/var/lib/kazashi/kazashi.sqlite-wal",
                        "/var/lib/kazashi/kazashi.sqlite-shm",
                    ]), "\(names)")
                // An administrator's own drop-ins stay.
                #expect(names.contains("/etc/systemd/system/kazashi.service.d"))
            }
        }

        @Test("Killed, stopped in its tracks, pcscd restarted under it: it comes back")
        func comesBack() async throws {
            try await withTree { tree in
                try await start(tree)
                for signal in ["KILL", "STOP"] {
                    let before = try await tree.property("MainPID")
                    let sent = try await tree.run("systemctl", "kill", "-s", signal, "kazashi")
                    #expect(sent.code == 0, "\(sent)")
                    let words =
                        "for i in $(seq 600); do p=$(systemctl show -p MainPID --value kazashi); [ \"$p\" != \"$0\" ] && [ \"$p\" != 0 ] && systemctl is-active -q kazashi && exit; sleep 0.1; done; exit 1"
                    #expect(try await tree.run("/bin/sh", "-c", words, before).code == 0, "after \(signal)")
                }
                #expect(try await tree.log.contains("Watchdog timeout"))
                #expect(try await tree.run("systemctl", "restart", "pcscd").code == 0)
                #expect(try await tree.waits(forStatus: "ready"))
                // More often than systemd starts a service that has a limit.
                let kills =
                    "for i in $(seq 12); do systemctl start pcscd; systemctl kill -s KILL pcscd; [ \"$(systemctl show -p Result --value pcscd.service)\" != start-limit-hit ] || exit 1; done 2>&1"
                let killed = try await tree.run("/bin/sh", "-c", kills)
                #expect(killed.code == 0, "\(killed)")
                #expect(try await tree.waits(forStatus: "ready"))
                #expect(try await tree.run("systemctl", "is-failed", "pcscd.socket").code != 0)
                try await tap(tree)
                #expect(await tree.shows("Card accepted"))
            }
        }

        @Test(
            "A wrong configuration is shown and read again; what root imports, the service can change; keys that are half are made anew"
        )
        func configured() async throws {
            try await withTree { tree in
                let right = try String(contentsOfFile: tree.files.root + "/etc/kazashi/kazashi.toml", encoding: .utf8)
                try tree.files.write(right.replacing("[trust]", with: "[trusted]"), to: "/etc/kazashi/kazashi.toml")
                #expect(try await tree.run("timeout", "20", "systemctl", "restart", "kazashi").code == 0)
                #expect(try await tree.waits(forStatus: "configuration (S1)"))
                #expect(await tree.shows("Unavailable S1"))
                #expect(try await tree.kazashi("status").code == 1)
                #expect(try await tree.kazashi("doctor").code == 2)
                try tree.files.write(right, to: "/etc/kazashi/kazashi.toml")
                #expect(try await tree.waits(forStatus: "ready"))
                // A file of root's own, which the service does not see.
                try await tree.run("install", "-m", "0600", "/srv/pilot/registrations.json", "/root/records.json")
                let records = try await tree.kazashi("registration", "import", "/root/records.json", "--json")
                #expect(records.code == 0 && !records.output.contains(#""stored":0"#), "\(records)")
                let lists = try await tree.kazashi("crl", "status", "--json")
                #expect(lists.code == 0 && lists.output.contains(#""problems":[]"#), "\(lists)")
                try await tree.run("/bin/sh", "-c", "install -m 0600 /srv/pilot/crl/kiyose-shi.crl /root/list.crl")
                let again = try await tree.kazashi("crl", "import", "/root/list.crl", "--json")
                #expect(again.code == 0 && again.output.contains(#""result":"already""#), "\(again)")
                // Root, outside the sandbox: no file is left that the service can't change.
                #expect(try await tree.run("systemctl", "stop", "kazashi").code == 0)
                #expect(try await tree.run("rm", "-r", "/var/lib/kazashi/revocation").code == 0)
                let imported = try await tree.run(
                    "/bin/sh", "-c",
                    "for f in /srv/pilot/crl/*.crl; do kazashi crl import --store /var/lib/kazashi/revocation --issuer /srv/pilot/anchors/authca-test.pem $f || exit; done"
                )
                #expect(imported.code == 0, "\(imported)")
                #expect(try await tree.run("find", "/var/lib/kazashi", "!", "-user", "kazashi").output.isEmpty)
                #expect(try await tree.run("systemctl", "start", "kazashi").code == 0)
                #expect(try await tree.waits(forStatus: "ready"))
                try await keys(tree)
            }
        }

        /// As a machine finds them that lost its power while it made them.
        private func keys(_ tree: ServiceTree) async throws {
            let folder = "/etc/kazashi/credentials"
            func sum(_ name: String) async throws -> String {
                try await tree.run("sha256sum", "\(folder)/\(name)").output
            }
            let (storage, signing) = (try await sum("storage.key"), try await sum("kiosk-es256.pem"))
            // Registrations were made with these: one that can't be used is not given up.
            try await tree.run("cp", "-a", folder, "/srv/credentials")
            try await tree.run("truncate", "-s", "40", "\(folder)/storage.key")
            #expect(try await tree.run("/usr/lib/kazashi/make-keys").code == 1)
            #expect(try await tree.run("wc", "-c", "\(folder)/storage.key").output.hasPrefix("40 "))
            try await tree.run("cp", "-a", "/srv/credentials/storage.key", folder)
            // An empty one is of no use to anybody.
            try await tree.run("truncate", "-s", "0", "\(folder)/kiosk-es256.pem")
            #expect(try await tree.run("/usr/lib/kazashi/make-keys").code == 0)
            #expect(try await sum("storage.key") == storage)
            #expect(try await sum("kiosk-es256.pem") != signing)
            // Before there is a database: both are made anew, each on the disk before it is said to be there.
            #expect(try await tree.run("systemctl", "stop", "kazashi").code == 0)
            try await tree.run("/bin/sh", "-c", "rm /var/lib/kazashi/kazashi.sqlite*")
            for name in ["storage.key", "kiosk-es256.pem"] {
                try await tree.run("truncate", "-s", "40", "\(folder)/\(name)")
            }
            let watched = """
                mkdir /srv/watched
                for p in sync mv; do
                    printf '#!/bin/sh\\necho %s "$@" >>/srv/steps\\nexec /bin/%s "$@"\\n' $p $p >/srv/watched/$p
                    chmod +x /srv/watched/$p
                done
                PATH=/srv/watched:$PATH exec /usr/lib/kazashi/make-keys
                """
            #expect(try await tree.run("/bin/sh", "-c", watched).code == 0)
            // What could not be used is kept.
            #expect(
                try await tree.run("/bin/sh", "-c", "ls \(folder)/*.unusable-* | wc -l").output.hasPrefix("2"))
            let steps = try await tree.run("cat", "/srv/steps").output
            for name in ["storage.key", "kiosk-es256.pem"] {
                let file = "\(folder)/\(name)"
                // Each after the one before.
                var rest = steps[...]
                for step in ["sync \(file).new\n", "mv \(file).new \(file)\n", "sync \(folder)\n"] {
                    let place = try #require(rest.firstRange(of: step), "\(steps)")
                    rest = rest[place.upperBound...]
                }
            }
            #expect(try await tree.run("systemctl", "start", "kazashi").code == 0)
            #expect(try await tree.waits(forStatus: "ready"))
        }

        @Test("No clock, a state folder that is read-only or full: out of service by name, and well again after")
        func starved() async throws {
            try await withTree { tree in
                // A small disk of its own for the state.
                #expect(
                    try await tree.run(
                        "mount", "-t", "tmpfs", "-o", "size=6m,mode=0700,uid=kazashi,gid=kazashi", "state",
                        "/var/lib/kazashi"
                    ).code == 0)
                try await start(tree)
                #expect(try await tree.waits(forStatus: "ready"))
                #expect(
                    try await tree.run("dd", "if=/dev/zero", "of=/var/lib/kazashi/filler", "bs=64k", "status=none").code
                        == 1)
                #expect(try await tree.waits(forStatus: "storage (D2)"))
                #expect(await tree.shows("Unavailable D2"))
                #expect(try await tree.run("rm", "/var/lib/kazashi/filler").code == 0)
                #expect(try await tree.waits(forStatus: "ready"))
                // What is open for writing keeps a disk from being read-only: a board finds its disk so at the start.
                #expect(try await tree.run("systemctl", "stop", "kazashi").code == 0)
                #expect(await tree.shows("Unavailable     TEST"))
                #expect(try await tree.run("mount", "-o", "remount,ro", "/var/lib/kazashi").code == 0)
                #expect(try await tree.run("systemctl", "start", "--no-block", "kazashi").code == 0)
                #expect(try await tree.waits(forStatus: "storage (D2)"))
                #expect(await tree.shows("Unavailable D2"))
                #expect(try await tree.run("mount", "-o", "remount,rw", "/var/lib/kazashi").code == 0)
                // The service has a view of its own of the disk, made when it starts: after a while it makes a new one.
                #expect(try await tree.waits(forStatus: "ready"))
                try tree.files.configure(timeSource: "synchronised")
                // What nspawn lends is the host's clock; where that is synchronised this says nothing.
                #expect(try await tree.run("systemctl", "restart", "--no-block", "kazashi").code == 0)
                if kz_clock_is_synchronised() != 1 {
                    #expect(try await tree.waits(forStatus: "clock (C1)"))
                    // Out of service is no reason to keep whoever starts it waiting.
                    #expect(try await tree.property("ActiveState") == "active")
                    for verb in ["reload", "try-restart"] {
                        #expect(try await tree.run("timeout", "20", "systemctl", verb, "kazashi").code == 0)
                    }
                }
            }
        }
    }
}
