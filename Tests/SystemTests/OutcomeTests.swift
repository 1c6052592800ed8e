import RealStackSuite
import Desk
import Foundation
import Glibc
import Pilot
import SecurityEvents
import TestPKI
import TestRig
import Testing
import VirtualCard

extension RealStack {
    @Suite struct OutcomeTests {
        @Test("Each outcome that depends on the card and its registration")
        func cards() async throws {
            var options = PilotFolder.Options()
            options.revoked = [[0x06, 0xD1, 0x80, 0x99]]
            var pilot = try StackPilot(options)
            let folder = pilot.folder
            let pinned = try pilot.card(serial: 0x01, ppid: "PPID-pinned-0001")
            let first = try pilot.card(serial: 0x02, ppid: "PPID-first-0002", withCardKey: false)
            let revoked = try pilot.card(serial: 0x99, ppid: "PPID-revoked-0099")
            let expired = try pilot.card(serial: 0x03, ppid: "PPID-expired-0003") { $0.validTo = folder.now - 60 }
            let elsewhere = try pilot.card(serial: 0x04, ppid: "PPID-elsewhere-0004") {
                $0.distributionPoint = TestAuthority.distributionPoint("Hachioji-shi")
            }
            let otherPolicy = try pilot.card(serial: 0x05, ppid: "PPID-policy-0005") {
                $0.policies = [[0x2A, 0x83, 0x08, 0x8C, 0x9B, 0x55, 0x08, 0x05, 0x01, 0x01, 0x28]]
            }
            let copy = try pilot.card(serial: 0x06, copyOf: pinned.certificate)
            let unregistered = try pilot.card(serial: 0x07)
            let androidPhone = try pilot.card(serial: 0x08, medium: "JPKIAPGPSETOKEN")
            let iPhone = try pilot.card(
                serial: 0x09, ppid: "PPID-iphone-0009", withCardKey: false, medium: "JPKIAPIOSTOKEN")
            var otherDate = Holder.kurokiri
            otherDate.birthKey = "550218"
            let otherBirthDate = try pilot.card(serial: 0x0A, ppid: "PPID-birth-000a", holder: otherDate)
            let fresh = try pilot.card(serial: 0x0B, ppid: "PPID-fresh-000b", withCardKey: false, holder: otherDate)
            let noCard = CardProfile(applications: [])

            try await withStack(pilot, options: options) { stack in
                try await stack.expect("ok", from: pinned)
                try await stack.expect("ok", from: first, "the first proof pins")
                try await stack.expect("ok", from: first, "the pinned key proves")
                try await stack.expect("revoked", from: revoked)
                try await stack.expect("expired", from: expired)
                try await stack.expect("undetermined", from: elsewhere)
                try await stack.expect("untrusted", from: otherPolicy)
                try await stack.expect("not_proven", from: copy)
                try await stack.expect("unregistered", from: unregistered)
                try await stack.expect("not_this_card", from: androidPhone)
                try await stack.expect("not_this_card", from: iPhone)
                try await stack.expect("not_this_card", from: CardInField(noCard))
                // A proven card that refuses suspends; a card that never proved itself suspends nobody.
                try await stack.expect("birth_date_refused", from: otherBirthDate)
                try await stack.expect("suspended", from: otherBirthDate)
                for _ in 0..<3 { try await stack.expect("birth_date_refused", from: fresh) }
                try await stack.expect("ok", from: pinned, "after all of them a good card still works")
                // The same neutral words for every account problem.
                let shown = Set(stack.kiosk.shown)
                #expect(shown.count { $0.contains("ｶｳﾝﾀｰﾍﾄﾞｳｿﾞ") } == 1)
                // What the desk got: four welcomes and nothing else.
                #expect(
                    await stack.receivedSubjects(4) == [
                        "PPID-pinned-0001", "PPID-first-0002", "PPID-first-0002", "PPID-pinned-0001",
                    ])
            }
        }

        @Test("No core dump, no memory for others to read, and no listening TCP port")
        func closedProcess() async throws {
            try await withStack(try StackPilot()) { stack in
                let limits = try String(contentsOfFile: "/proc/\(stack.kiosk.pid)/limits", encoding: .utf8)
                #expect(limits.contains(/Max core file size +0 +0/))
                // A process that is not dumpable belongs to root in /proc, whoever runs it; its sockets are told by inode.
                var listening: Set<String> = []
                for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
                    guard let text = try? String(contentsOfFile: table, encoding: .utf8) else { continue }
                    for line in text.split(separator: "\n").dropFirst() {
                        let fields = line.split(separator: " ")
                        if fields.count > 9, fields[3] == "0A" { listening.insert("socket:[\(fields[9])]") }
                    }
                }
                #expect(!listening.isEmpty, "vpcd and the desk listen")
                let folder = "/proc/\(stack.kiosk.pid)/fd"
                for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + name)
                    #expect(!listening.contains(target ?? ""), "the kiosk listens")
                }
            }
        }

        @Test("A record without a card key is refused where configuration asks for one")
        func cardKeyUnknown() async throws {
            var options = PilotFolder.Options()
            options.pinsAtFirstProof = false
            var pilot = try StackPilot(options)
            let unpinned = try pilot.card(serial: 0x01, ppid: "PPID-0001", withCardKey: false)
            let pinned = try pilot.card(serial: 0x02, ppid: "PPID-0002")
            try await withStack(pilot, options: options) { stack in
                try await stack.expect("card_key_unknown", from: unpinned)
                try await stack.expect("ok", from: pinned)
            }
        }

        @Test("A library that refuses, fails, or stays silent: the patron is told")
        func library() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                await stack.desk.behave(.refuses(.accessDenied))
                try await stack.expect("library_refused", from: card)
                await stack.desk.behave(.answers(200))
                try await stack.expect("library_refused", from: card)
                await stack.desk.behave(.answers(503))
                try await stack.expect("library_unreachable", from: card)
                await stack.desk.behave(.slow(.seconds(60)))
                // The desk would take a minute: the kiosk's own deadline tells the patron.
                try await stack.expect("library_unreachable", from: card)
                await stack.desk.behave(.normal)
                try await stack.expect("ok", from: card)
            }
        }

        @Test(
            "The same card within min_gap of a welcome is welcomed again, and told to nobody; another card, or a refusal before, is not held up"
        )
        func tooSoon() async throws {
            var options = PilotFolder.Options()
            options.minGap = "60s"
            var pilot = try StackPilot(options)
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            let other = try pilot.card(serial: 0x02, ppid: "PPID-0002")
            try await withStack(pilot, options: options) { stack in
                await stack.desk.behave(.refuses(.accessDenied))
                try await stack.expect("library_refused", from: card)
                await stack.desk.behave(.normal)
                try await stack.expect("ok", from: card)
                let shownBefore = stack.kiosk.shown.count { $0.contains("Card accepted") }
                try await stack.expect("too_soon", from: card)
                #expect(stack.kiosk.shown.count { $0.contains("Card accepted") } == shownBefore + 1)
                try await stack.expect("ok", from: other)
            }
        }

        @Test("A stale list puts the kiosk out of service; SIGHUP takes up the new one")
        func staleList() async throws {
            var options = PilotFolder.Options()
            options.listAge = 30
            options.maxAge = "24h"
            var pilot = try StackPilot(options)
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            let folder = pilot.folder
            // It can't become ready: started by hand.
            defer { pilot.remove() }
            let desk = try PushServer(desk: folder.desk())
            options.port = try await desk.start()
            try folder.writeConfiguration(options)
            try await folder.register(pilot.records)
            let daemon = try await PCSCDaemon()
            let kiosk = try KioskProcess(configuration: folder.configuration)
            #expect(await kiosk.state { _, cause in cause == "revocation" })
            let reader = VPCDReader()
            try reader.insert(CardInField(card.profile))
            #expect(await kiosk.tap()?.code == "out_of_service")
            reader.remove()
            try folder.writeList(age: 1, number: 2)
            kiosk.signal(SIGHUP)
            #expect(await kiosk.state())
            try reader.insert(CardInField(card.profile))
            #expect(await kiosk.tap()?.code == "ok")
            reader.remove()
            #expect(await kiosk.stop() == 0, "SIGTERM ends it with 0")
            await desk.stop()
            await daemon.stop()
        }

        @Test("Registrations made, suspended and removed count at the next tap, without a signal")
        func liveRegistrations() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                try await stack.expect("ok", from: card)
                let list = try await ChildProcess.run(
                    Programs.kazashi, ["registration", "list", "--json", "--config", stack.folder.configuration])
                let id = try #require(list.output.firstMatch(of: /"id":"([0-9a-f]{16})"/)).1
                func registration(_ command: String, _ arguments: String...) async throws -> Int32 {
                    try await ChildProcess.run(
                        Programs.kazashi,
                        ["registration", command, "--config", stack.folder.configuration] + arguments
                    ).code
                }
                #expect(try await registration("suspend", String(id)) == 0)
                try await stack.expect("suspended", from: card)
                #expect(try await registration("import", stack.folder.path + "/registrations.json") == 0)
                try await stack.expect("ok", from: card)
                #expect(try await registration("forget-card-key", String(id)) == 0)
                try await stack.expect("ok", from: card)
                #expect(try await registration("remove", String(id)) == 0)
                try await stack.expect("unregistered", from: card)
                #expect(try await registration("remove", String(id)) == 1)
            }
        }
    }
}

extension PilotStack {
    /// The subjects of the next `count` tokens that the desk accepted.
    func receivedSubjects(_ count: Int) async -> [String] {
        var subjects: [String] = []
        for await receipt in desk.receipts {
            if case .success(let accepted) = receipt.result, case .person(.presented, let subject) = accepted.event {
                subjects.append(subject.subject)
            }
            if subjects.count == count { break }
        }
        return subjects
    }
}
