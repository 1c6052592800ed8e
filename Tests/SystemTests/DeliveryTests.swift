import RealStackSuite
import Desk
import Foundation
import Glibc
import JOSE
import Pilot
import SecurityEvents
import TestRig
import Testing
import VirtualCard

extension RealStack {
    /// The whole way from the card to the library and back, by each channel and suite.
    @Suite(.serialized) struct DeliveryTests {
        /// The next event of a kind that the desk accepted for the first time.
        private func next(_ stack: PilotStack, _ matches: (SecurityEvent) -> Bool) async -> AcceptedEvent? {
            for await receipt in stack.desk.receipts {
                if case .success(let event) = receipt.result, !event.isDuplicate, let said = event.event, matches(said)
                {
                    return event
                }
            }
            return nil
        }

        private func isPresented(_ event: SecurityEvent) -> Bool {
            if case .person(.presented, _) = event { true } else { false }
        }

        @Test(
            "A tap is acknowledged, its end is told, and the owed event came before",
            arguments: [
                (PilotFolder.Channel.udp, "nested"), (.udp, "direct"), (.udp6, "nested"), (.http, "direct"),
            ])
        func channels(channel: PilotFolder.Channel, suite: String) async throws {
            var options = PilotFolder.Options()
            (options.channel, options.suite) = (channel, suite)
            var pilot = try StackPilot(options)
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot, options: options) { stack in
                let owed = await next(stack) { _ in true }
                #expect(owed?.event?.uri == "urn:kazashi:registered")
                try await stack.expect("ok", from: card)
                let presented = await next(stack, isPresented)
                #expect(presented?.event?.subject?.subject == "PPID-0001")
                let ended = await next(stack) { !isPresented($0) }
                #expect(ended?.event == presented.map { .kiosk(.presenceEnded($0.jti)) })
            }
        }

        @Test("A library that refuses is told to drop nothing; one whose answer is lost is told to drop the tap")
        func withdrawn() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                _ = await next(stack) { _ in true }
                // It took the token, and says 200: no acknowledgement.
                await stack.desk.behave(.answers(200))
                try await stack.expect("library_refused", from: card)
                await stack.desk.behave(.normal)
                // The withdrawal was answered 200, too, or comes now; a tap after it is welcomed.
                try await stack.expect("ok", from: card)
                #expect(await next(stack, isPresented)?.event?.subject?.subject == "PPID-0001")
            }
        }

        @Test("A suspension by the command is told to the library by the running kiosk, a removal too")
        func owed() async throws {
            var options = PilotFolder.Options()
            options.channel = .udp
            var pilot = try StackPilot(options)
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot, options: options) { stack in
                try await stack.expect("ok", from: card)
                let list = try await ChildProcess.run(
                    Programs.kazashi, ["registration", "list", "--json", "--config", stack.folder.configuration])
                let id = try #require(list.output.firstMatch(of: /"id":"([0-9a-f]{16})"/)).1
                for command in ["suspend", "remove"] {
                    let result = try await ChildProcess.run(
                        Programs.kazashi,
                        ["registration", command, "--config", stack.folder.configuration, String(id)])
                    #expect(result.code == 0)
                }
                let subject = SubjectIdentifier(issuer: PilotFolder.platform, subject: "PPID-0001")
                #expect(await next(stack) { $0 == .person(.suspended, subject) } != nil)
                #expect(await next(stack) { $0 == .person(.removed, subject) } != nil)
            }
        }

        @Test("What is owed survives kill -9 while the library is away, and comes once when both are back")
        func powerCut() async throws {
            var pilot = try StackPilot()
            _ = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            let folder = pilot.folder
            defer { pilot.remove() }
            // Nobody listens yet.
            var options = PilotFolder.Options()
            options.port = 1
            try folder.writeConfiguration(options)
            try await folder.register(pilot.records)
            let daemon = try await PCSCDaemon()
            let kiosk = try KioskProcess(configuration: folder.configuration)
            #expect(await kiosk.state())
            kiosk.signal(SIGKILL)
            await kiosk.stop()
            let desk = try PushServer(desk: folder.desk())
            options.port = try await desk.start()
            try folder.writeConfiguration(options)
            let again = try KioskProcess(configuration: folder.configuration)
            #expect(await again.state())
            for await receipt in desk.receipts {
                // Another test's kiosk may still send to this port.
                guard case .success(let accepted) = receipt.result else { continue }
                #expect(accepted.event?.uri == "urn:kazashi:registered")
                break
            }
            await again.stop()
            await desk.stop()
            await daemon.stop()
        }

        @Test("Keys change without a gap: next key made, handed over, activated, SIGHUP")
        func keys() async throws {
            var options = PilotFolder.Options()
            options.channel = .udp
            var pilot = try StackPilot(options)
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot, options: options) { stack in
                try await stack.expect("ok", from: card)
                func key(_ arguments: String...) async throws -> (code: Int32, output: String, error: String) {
                    try await ChildProcess.run(
                        Programs.kazashi, ["key"] + arguments + ["--config", stack.folder.configuration])
                }
                #expect(try await key("rotate", "--activate").code == 1, "there is no next key yet")
                #expect(try await key("rotate").code == 0)
                #expect(try await key("rotate").code == 1, "there is one already")
                let shown = try await key("show")
                let keys = try PublicJWK.parse(Array(shown.output.utf8))
                #expect(keys.count == 2 && keys.first == stack.folder.kioskKey.publicJWK)
                #expect(!shown.output.contains(#""d""#), "only public keys are shown")
                let mode =
                    try FileManager.default.attributesOfItem(
                        atPath: stack.folder.path + "/kiosk-es256.pem.next")[.posixPermissions] as? Int
                #expect(mode == 0o600)
                #expect(try await key("rotate", "--activate").code == 0)
                #expect(try PublicJWK.parse(Array(try await key("show").output.utf8)) == [keys[1]])
                stack.kiosk.signal(SIGHUP)
                // The desk of this test knows the old key only: over UDP it does not answer a stranger.
                try await stack.expect("library_unreachable", from: card)
            }
        }
    }
}
