import RealStackSuite
import CPCSC
import Foundation
import Glibc
import Pilot
import SmartCard
import TestPKI
import TestRig
import Testing
import VirtualCard

extension RealStack {
    @Suite struct FaultTests {
        @Test("Cards and readers that talk otherwise: T=0, short lengths, other answers to reset, 6F00 first, slow")
        func dialects() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            var large = try pilot.card(serial: 0x02, ppid: "PPID-0002") {
                $0.extra = [
                    ([0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x63], false, [UInt8](repeating: 0x04, count: 250))
                ]
            }
            try await withStack(pilot) { stack in
                let extended = try await stack.expect("ok", from: card)
                #expect(extended?.apdus == 8, "7, and the record's issuer once")
                let known = try await stack.expect("ok", from: card)
                #expect(known?.apdus == 7)
                try await stack.expect("ok", from: card, with: faults("6f00-first"), "6F00 to the first command")
                try await stack.expect("ok", from: card, isT0: true, "T=0 with GET RESPONSE and 6Cxx")
                try await stack.expect("ok", from: card, with: faults("slow=60"), "a slow card")
                for atr in ["3be000ff8131fe4514", "3b8880010000 41e0b381a1003b", "3b888001004b51ffb381d1000f"] {
                    var other = card
                    other.profile.atr = atr.replacing(" ", with: "")
                    try await stack.expect("ok", from: other, "answer to reset \(atr)")
                }
                var short = card
                short.profile.atr = "3bda13ff8131fb468012392f31c173c601c03b"
                try await stack.expect("ok", from: short, with: faults("short-only"), "the first try learns")
                let learned = try await stack.expect("ok", from: short, with: faults("short-only"))
                let chunks = (card.certificate.count + 255) / 256
                #expect(learned?.apdus == 8 + chunks, "\(card.certificate.count) bytes of certificate")
                #expect(learned.map { $0.apdus <= 14 } == true)
                // The largest certificate that the figures count with.
                #expect((1_281...1_536).contains(large.certificate.count), "\(large.certificate.count) bytes")
                try await stack.expect("ok", from: large)
                #expect(try await stack.expect("ok", from: large)?.apdus == 7)
                large.profile.atr = short.profile.atr
                #expect(try await stack.expect("ok", from: large, with: faults("short-only"))?.apdus == 14)
            }
        }

        @Test("Tries that are low or untold are never spent: 4, 9000, 6300, 6984")
        func tries() async throws {
            var pilot = try StackPilot()
            var card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            card.profile.applications[1].secrets[0].left = 4
            let low = try CardInField(card.profile)
            try await withStack(pilot) { stack in
                try await stack.expect("tries_low", from: low)
                #expect(low.profile.applications[1].secrets[0].left == 4)
                for status in ["9000", "6300", "6984", "63c0"] {
                    let odd = try CardInField(card.profile, faults: faults("query=\(status)"))
                    try await stack.expect("tries_low", from: odd, "query answers \(status)")
                    #expect(odd.collected.isEmpty)
                }
                // Half its tries left is enough.
                var enough = card
                enough.profile.applications[1].secrets[0].left = 5
                try await stack.expect("ok", from: enough)
            }
        }

        @Test("A fake card that only collects birth dates gets none, and suspends nobody")
        func collector() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            let fake = try pilot.card(serial: 0x02, copyOf: card.certificate)
            let collecting = try CardInField(fake.profile, faults: faults("collector"))
            try await withStack(pilot) { stack in
                try await stack.expect("not_proven", from: collecting)
                #expect(collecting.collected.isEmpty, "a birth date was given to a card that had proved nothing")
                try await stack.expect("ok", from: card)
            }
        }

        @Test("Garbage and endless answers are refused, and the next tap works")
        func garbage() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                for from in 1...7 {
                    var faults = faults("garbage=\(from)")
                    faults.garbageSeed = UInt64(from) * 7_919
                    let tap = try await stack.tap(CardInField(card.profile, faults: faults))
                    #expect(tap?.outcome == "refused", "garbage from command \(from): \(tap?.code ?? "-")")
                    let endless = try await stack.expect("card_error", from: card, with: Self.endless(from))
                    #expect(endless.map { $0.apdus <= 64 } == true)
                }
                try await stack.expect("ok", from: card)
            }
        }

        private static func endless(_ from: Int) -> CardFaults {
            var faults = CardFaults()
            faults.endlessFrom = from
            return faults
        }

        @Test("A card pulled at every command in turn is told so, and the next tap works")
        func pulled() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001", withCardKey: false)
            try await withStack(pilot) { stack in
                // A first proof takes the most commands: 8 with extended lengths, and the token's label.
                for position in 1...9 {
                    try await stack.expect(
                        "card_pulled", from: card, with: faults("torn=\(position)"), "at command \(position)")
                }
                try await stack.expect("ok", from: card)
                // Known by now.
                for position in 1...7 {
                    try await stack.expect(
                        "card_pulled", from: card, with: faults("torn=\(position)"), "at command \(position)")
                    try await stack.expect("ok", from: card, "after a tear at command \(position)")
                }
                #expect(try CardInField(card.profile).profile.applications[1].secrets[0].left == 10)
            }
        }

        @Test("An exchange that does not come back is given up at five seconds, and the next tap works")
        func silent() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                try stack.reader.insert(CardInField(card.profile, faults: faults("silent=4")))
                #expect(await stack.kiosk.tap()?.code == "card_timeout")
                // Taken away: vpcd lets go, the blocked call returns, and the kiosk is back.
                stack.reader.remove()
                await stack.settle()
                try await stack.expect("ok", from: card)
            }
        }

        @Test("A call that stays blocked: given up at the deadline, out of service while it is held, well again after")
        func occupied() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                try await stack.expect("ok", from: card)
                stack.kiosk.signal(SIGSTOP)
                try stack.reader.insert(CardInField(card.profile))
                // This process takes the transaction before the kiosk can.
                let held = try await holdTransaction()
                stack.kiosk.signal(SIGCONT)
                #expect(await stack.kiosk.tap()?.code == "card_timeout")
                // The card is gone, but the call is still blocked: no reader to tap on.
                stack.reader.remove()
                #expect(await stack.kiosk.state { _, cause in cause == "reader" })
                await held.powerDown()
                #expect(await stack.kiosk.state())
                try await stack.expect("ok", from: card)
            }
        }

        @Test("pcscd stopped and started again, also in the middle of a tap")
        func restartedService() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                try await stack.expect("ok", from: card)
                await stack.daemon.stop()
                #expect(await stack.kiosk.state { _, cause in cause == "card_service" })
                let second = try await PCSCDaemon()
                #expect(await stack.kiosk.state())
                try await stack.expect("ok", from: card)
                // Killed while the card is at work: the tap ends, and the kiosk comes back with the service.
                let slow = try CardInField(card.profile, faults: faults("slow=300"))
                try stack.reader.insert(slow)
                while slow.commandCount < 3 { try await Task.sleep(for: .milliseconds(10)) }
                await second.stop(SIGKILL)
                #expect(await stack.kiosk.tap()?.outcome == "refused")
                unlink("/run/pcscd/pcscd.comm")
                unlink("/run/pcscd/pcscd.pid")
                let third = try await PCSCDaemon()
                #expect(await stack.kiosk.state())
                try await stack.expect("ok", from: card)
                await third.stop()
            }
        }

        @Test("A card that another program holds exclusively is waited for, and read when it is free")
        func sharingViolation() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                stack.kiosk.signal(SIGSTOP)
                try stack.reader.insert(CardInField(card.profile))
                let holder = try ExclusiveHolder()
                while !holder.take("Virtual PCD 00 00") { try await Task.sleep(for: .milliseconds(50)) }
                stack.kiosk.signal(SIGCONT)
                // Long enough for the kiosk to be refused a few times; nothing tells that it was.
                try await Task.sleep(for: .milliseconds(500))
                #expect(!stack.kiosk.standardOutput.contains("tap"), "no outcome while the card is held")
                holder.letGo()
                #expect(await stack.kiosk.tap()?.code == "ok")
                stack.reader.remove()
                await stack.settle()
            }
        }

        @Test("Two blocked calls are set aside, a third is refused at once; all is well when they come back")
        func mostHeld() async throws {
            var pilot = try StackPilot()
            defer { pilot.remove() }
            let card = try CardInField(try pilot.card(serial: 0x01).profile)
            let daemon = try await PCSCDaemon()
            let field = VPCDReader()
            try field.insert(card)
            let name = "Virtual PCD 00 00"
            let held = try await holdTransaction()
            let (changes, continuation) = AsyncStream<Bool>.makeStream()
            let reader = CardReader { continuation.yield($0) }
            for count in 1...2 {
                await #expect(throws: SmartCardError.timedOut) {
                    _ = try await reader.connect(to: name, deadline: .now + .milliseconds(100))
                }
                #expect(reader.heldCount == count)
            }
            await #expect(throws: SmartCardError.readerHeld) {
                _ = try await reader.connect(to: name, deadline: .now + .seconds(60))
            }
            await held.powerDown()
            var seen: [Bool] = []
            for await change in changes {
                seen.append(change)
                if !change { break }
            }
            #expect(seen == [true, false])
            let transport = try await reader.connect(to: name, deadline: .now + .seconds(5))
            await transport.powerDown()
            field.remove()
            await daemon.stop()
        }

        @Test("A card that never answers, and the power-down that waits behind it, hold one lane and not two")
        func oneLane() async throws {
            var pilot = try StackPilot()
            defer { pilot.remove() }
            let card = try CardInField(try pilot.card(serial: 0x01).profile, faults: faults("silent=1"))
            let daemon = try await PCSCDaemon()
            let field = VPCDReader()
            try field.insert(card)
            let (changes, continuation) = AsyncStream<Bool>.makeStream()
            let reader = CardReader { continuation.yield($0) }
            let deadline = ContinuousClock.now + .seconds(60)
            var connected: (any CardTransport)?
            while connected == nil, ContinuousClock.now < deadline {
                connected = try? await reader.connect(to: "Virtual PCD 00 00", deadline: .now + .seconds(5))
            }
            let transport = try #require(connected)
            let exchange = Task {
                _ = await #expect(throws: SmartCardError.timedOut) {
                    try await transport.exchange([0x00, 0xA4, 0, 0], deadline: .now + .seconds(2))
                }
            }
            while card.commandCount == 0 { await Task.yield() }
            // It waits for a second behind the exchange, which is given up after two.
            await transport.powerDown()
            try #require(reader.heldCount == 1)
            await exchange.value
            try #require(reader.heldCount == 1)
            field.remove()
            var seen: [Bool] = []
            for await change in changes {
                seen.append(change)
                if !change { break }
            }
            #expect(seen == [true, false] && reader.heldCount == 0)
            await daemon.stop()
        }

        @Test("pcscd without the reader: out of service by name, and ready when the reader is there")
        func missingReader() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            try await withStack(pilot) { stack in
                await stack.daemon.stop()
                #expect(await stack.kiosk.state { _, cause in cause == "card_service" })
                let bare = try await PCSCDaemon(withReader: false)
                #expect(await stack.kiosk.state { _, cause in cause == "reader" })
                await bare.stop()
                let whole = try await PCSCDaemon()
                #expect(await stack.kiosk.state())
                try await stack.expect("ok", from: card)
                await whole.stop()
            }
        }

        @Test("200 taps one after another: memory, threads and descriptors stay flat")
        func manyTaps() async throws {
            var pilot = try StackPilot()
            let card = try pilot.card(serial: 0x01, ppid: "PPID-0001")
            let field = try CardInField(card.profile)
            try await withStack(pilot) { stack in
                for _ in 0..<20 { try await stack.expect("ok", from: field) }
                let before = try ProcessFigures(pid: stack.kiosk.pid)
                for _ in 0..<180 { try await stack.expect("ok", from: field) }
                let after = try ProcessFigures(pid: stack.kiosk.pid)
                #expect(after.descriptors <= before.descriptors, "\(before) → \(after)")
                // The pool of Swift's runtime may grow by a thread or two with the processors, not with taps.
                #expect(after.threads <= before.threads + 2, "\(before) → \(after)")
                #expect(after.anonymousKiB <= before.anonymousKiB + 1_024, "\(before) → \(after)")
            }
        }
    }
}

/// Takes the card's transaction, as soon as pcscd has seen the card.
private func holdTransaction() async throws -> any CardTransport {
    let reader = CardReader { _ in }
    while true {
        if let held = try? await reader.connect(to: "Virtual PCD 00 00", deadline: .now + .seconds(5)) { return held }
        try await Task.sleep(for: .milliseconds(50))
    }
}

/// A program that connects exclusively, as some do.
private final class ExclusiveHolder {
    private var context = SCARDCONTEXT()
    private var card = SCARDHANDLE()

    init() throws {
        guard SCardEstablishContext(DWORD(SCARD_SCOPE_SYSTEM), nil, nil, &context) == 0 else {
            throw CancellationError()
        }
    }

    deinit { SCardReleaseContext(context) }

    func take(_ reader: String) -> Bool {
        var link = DWORD(0)
        return SCardConnect(
            context, reader, DWORD(SCARD_SHARE_EXCLUSIVE), DWORD(SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1), &card, &link)
            == 0
    }

    func letGo() { SCardDisconnect(card, DWORD(SCARD_LEAVE_CARD)) }
}
