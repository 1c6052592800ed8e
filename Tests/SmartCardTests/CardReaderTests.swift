import Foundation
import RealStackSuite
import Synchronization
import TestRig
import Testing
import VirtualCard

@testable import SmartCard

extension RealStack {
    /// The real pcscd with vsmartcard's reader, and virtual cards on it.
    @Suite(.timeLimit(.minutes(5)))
    struct CardReaderTests {
        private static let application: [UInt8] = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01]

        private func card(faults: CardFaults = CardFaults(), isT0: Bool = false) throws -> CardInField {
            var application = CardProfile.Application(dfName: Self.application)
            application.files = [.init(0x01, [UInt8](repeating: 0x5A, count: 300))]
            return try CardInField(CardProfile(applications: [application]), faults: faults, isT0: isT0)
        }

        /// What the monitor reports, as it comes.
        private struct Watch {
            let events: AsyncStream<ReaderEvent>
            let watching: Task<Void, Never>

            init(_ filter: String = "") {
                let (events, continuation) = AsyncStream<ReaderEvent>.makeStream()
                self.events = events
                let monitor = ReaderMonitor(nameFilter: filter) { continuation.yield($0) }
                watching = Task { await monitor.run() }
            }

            func first(where isIt: (ReaderEvent) -> Bool) async -> ReaderEvent? {
                for await event in events where isIt(event) { return event }
                return nil
            }

            /// The reader's name.
            func reader() async throws -> String {
                let event = await first { if case .readerAvailable = $0 { true } else { false } }
                guard case .readerAvailable(let name) = event else { throw SmartCardError.readerUnavailable }
                return name
            }

            func stop() async {
                watching.cancel()
                await watching.value
            }
        }

        private func withStack(_ body: (VPCDReader, Watch, String) async throws -> Void) async throws {
            let daemon = try await PCSCDaemon()
            let watch = Watch()
            do {
                try await body(VPCDReader(), watch, watch.reader())
            } catch {
                await watch.stop()
                await daemon.stop()
                throw error
            }
            await watch.stop()
            await daemon.stop()
        }

        private func inserted(_ watch: Watch) async {
            _ = await watch.first { if case .cardInserted = $0 { true } else { false } }
        }

        @Test("A card comes and goes; two slots: the one in use and the other one, with its card")
        func watched() async throws {
            try await withStack { reader, watch, name in
                #expect(name.hasSuffix("00 00"))
                let other = VPCDReader(port: 35_964)
                try other.insert(card())
                #expect(
                    await watch.first { $0 == .others([OtherReader(name: name.dropLast(5) + "00 01", card: true)]) }
                        != nil)
                try reader.insert(card())
                #expect(await watch.first { $0 == .cardInserted(reader: name) } != nil)
                reader.remove()
                #expect(await watch.first { $0 == .cardRemoved } != nil)
                other.remove()
                #expect(
                    await watch.first { $0 == .others([OtherReader(name: name.dropLast(5) + "00 01", card: false)]) }
                        != nil)
            }
        }

        @Test("A reader that is not there is waited for by name; pcscd that is not there, too")
        func absent() async throws {
            let before = Watch()
            #expect(await before.first { _ in true } == .serviceUnavailable)
            let daemon = try await PCSCDaemon()
            _ = try await before.reader()
            await before.stop()
            let another = Watch("another one")
            #expect(await another.first { $0 == .readerUnavailable } != nil)
            await another.stop()
            await daemon.stop()
        }

        @Test(
            "Either protocol: the card's own answer to reset, what it answers, and power off at the end",
            arguments: [false, true])
        func exchanged(isT0: Bool) async throws {
            try await withStack { vpcd, watch, name in
                let card = try card(isT0: isT0)
                try vpcd.insert(card)
                await inserted(watch)
                let reader = CardReader { _ in }
                await reader.prepare()
                let powerDowns = card.powerDowns
                let transport = try await reader.connect(to: name, deadline: .now + .seconds(10))
                #expect(transport.link == (isT0 ? .t0 : .t1) && transport.answerToReset == card.answerToReset)
                #expect(await transport.isCardPresent())
                let channel = CardChannel(transport, budget: CardChannel.Budget(deadline: .now + .seconds(10)))
                let select = CommandAPDU(ins: 0xA4, p1: 0x04, p2: 0x0C, data: Self.application)
                _ = try await channel.sendExpectingSuccess(select)
                #expect(try await channel.readObject(file: 1, most: 300) { _ in 300 }.count == 300)
                // In a transaction: nobody else talks to it, and who waits for it gives up at the deadline.
                let second = CardReader { _ in }
                let start = ContinuousClock.now
                await #expect(throws: SmartCardError.self) {
                    _ = try await second.connect(to: name, deadline: .now + .milliseconds(400))
                }
                #expect(ContinuousClock.now - start < .seconds(5))
                await transport.powerDown()
                #expect(card.powerDowns > powerDowns)
                vpcd.remove()
                _ = await watch.first { $0 == .cardRemoved }
                #expect(await !transport.isCardPresent())
                await #expect(throws: SmartCardError.self) {
                    _ = try await transport.exchange([0, 0xA4, 0, 0], deadline: .now + .seconds(2))
                }
            }
        }

        @Test("A context does not outlive its pcscd: the next connection has another one")
        func restarted() async throws {
            let first = try await PCSCDaemon()
            let reader = CardReader { _ in }
            await reader.prepare()
            await first.stop()
            await #expect(throws: SmartCardError.serviceUnavailable) {
                _ = try await reader.connect(to: "none", deadline: .now + .seconds(2))
            }
            try await withStack { vpcd, watch, name in
                try vpcd.insert(card())
                await inserted(watch)
                let transport = try await reader.connect(to: name, deadline: .now + .seconds(10))
                await transport.powerDown()
            }
        }
    }
}
