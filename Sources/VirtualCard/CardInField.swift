internal import Cryptography
internal import Synchronization

/// A card with its faults and its timing: bytes in, bytes out. Used by one reader at a time; counters and what a fault
/// collected can be looked at from anywhere.
package final class CardInField: Sendable {
    private struct State {
        var logic: CardLogic
        var commands = 0
        var commandsSincePower = 0
        var powerDowns = 0
        var collected: [[UInt8]] = []
        /// T=0: what GET RESPONSE will fetch.
        var pending: [UInt8] = []
        var random: UInt64
    }

    /// What the reader gets to see.
    package enum Answer: Sendable {
        /// After so many milliseconds.
        case bytes([UInt8], after: Double)
        /// The card left the field in the middle of the command.
        case torn
        /// The card does not answer, and stays.
        case silent
    }

    private let state: Mutex<State>
    package let faults: CardFaults
    package let timing: CardTiming?
    package let answerToReset: [UInt8]
    /// True for a card that talks T=0: commands come as TPDUs, answers are fetched with GET RESPONSE.
    package let isT0: Bool
    private let countersChanged: (@Sendable (CardProfile) -> Void)?

    /// - Parameter countersChanged: called when a counter or secret changed, to keep it.
    package init(
        _ profile: CardProfile, faults: CardFaults = CardFaults(), timing: CardTiming? = nil, isT0: Bool = false,
        countersChanged: (@Sendable (CardProfile) -> Void)? = nil
    ) throws {
        state = Mutex(State(logic: try CardLogic(profile), random: faults.garbageSeed))
        (self.faults, self.timing, self.isT0, self.countersChanged) = (faults, timing, isT0, countersChanged)
        // TD1 says T=0 and nothing else.
        answerToReset = isT0 ? [0x3B, 0x02, 0x14, 0x50] : [UInt8](hexText: profile.atr) ?? []
    }

    /// Commands of this presence.
    package var commandCount: Int { state.withLock { $0.commands } }
    /// How often its power was cut.
    package var powerDowns: Int { state.withLock { $0.powerDowns } }
    /// What a collecting fake was given in VERIFY.
    package var collected: [[UInt8]] { state.withLock { $0.collected } }
    package var profile: CardProfile { state.withLock { $0.logic.profile } }

    /// A new presence: the count begins again.
    package func enterField() {
        state.withLock { state in
            state.commands = 0
            state.commandsSincePower = 0
            state.pending = []
            state.logic.powerDown()
        }
    }

    package func powerDown() {
        state.withLock { state in
            state.powerDowns += 1
            state.commandsSincePower = 0
            state.pending = []
            state.logic.powerDown()
        }
    }

    package func reset() { state.withLock { $0.logic.reset() } }

    package func transmit(_ bytes: [UInt8]) -> Answer {
        let (answer, changed) = state.withLock { state -> (Answer, CardProfile?) in
            let before = state.logic.profile.applications.flatMap(\.secrets).map(\.left)
            let answer = self.answer(bytes, &state)
            let after = state.logic.profile.applications.flatMap(\.secrets).map(\.left)
            return (answer, before == after ? nil : state.logic.profile)
        }
        if let changed { countersChanged?(changed) }
        return answer
    }

    private func answer(_ bytes: [UInt8], _ state: inout State) -> Answer {
        state.commands += 1
        state.commandsSincePower += 1
        if state.commands == faults.tornAt { return .torn }
        if state.commands == faults.silentAt { return .silent }
        if let from = faults.endlessFrom, state.commands >= from { return .bytes([0xAA, 0x61, 0x01], after: 0) }
        if let from = faults.garbageFrom, state.commands >= from { return .bytes(garbage(&state), after: 0) }
        if faults.firstCommandFails, state.commandsSincePower == 1 { return .bytes([0x6F, 0x00], after: 0) }
        let verified = state.collected.count
        let data = isT0 ? answerT0(bytes, &state) : answerAPDU(bytes, &state)
        if faults.losesVerify, state.collected.count > verified { return .torn }
        let time = timing?.duration(command: bytes.count, answer: data.count, isSignature: state.logic.didSign) ?? 0
        return .bytes(data, after: time + (faults.delay ?? 0))
    }

    private func answerAPDU(_ bytes: [UInt8], _ state: inout State) -> [UInt8] {
        guard let command = ReceivedCommand(bytes) else { return [0x67, 0x00] }
        if command.isExtended, faults.shortOnly { return [0x67, 0x00] }
        let isVerify = command.cla == 0x00 && command.ins == 0x20
        if isVerify, command.data.isEmpty, let status = faults.queryStatus {
            return [UInt8(status >> 8), UInt8(status & 0xFF)]
        }
        if isVerify, !command.data.isEmpty {
            state.collected.append(command.data)
            if faults.collectsBirthDates { return [0x90, 0x00] }
            if let status = faults.verifyStatus { return [UInt8(status >> 8), UInt8(status & 0xFF)] }
        }
        return state.logic.answer(command)
    }

    /// T=0 (ISO/IEC 7816-3, 12.2): P3 is Lc or Le; answers to commands with data are announced by 61xx and fetched.
    private func answerT0(_ bytes: [UInt8], _ state: inout State) -> [UInt8] {
        guard bytes.count >= 5 else { return [0x67, 0x00] }
        if bytes[0] == 0x00, bytes[1] == 0xC0 {
            let count = bytes[4] == 0 ? 256 : Int(bytes[4])
            let piece = Array(state.pending.prefix(count))
            state.pending = Array(state.pending.dropFirst(count))
            return piece + announced(state.pending.count)
        }
        let isRead = [0xB0, 0xB2, 0x84, 0xCA].contains(bytes[1])
        if isRead {
            let full = answerAPDU(bytes, &state)
            let (data, status) = (full.dropLast(2), full.suffix(2))
            let wanted = bytes[4] == 0 ? 256 : Int(bytes[4])
            // Asked for more than there is: the card names the length, and wants to be asked again.
            if status.elementsEqual([0x90, 0x00]), data.count < wanted { return [0x6C, UInt8(data.count & 0xFF)] }
            return full
        }
        // Without data P3 is zero; with data an answer is possible, as an Le would ask.
        let apdu = bytes[4] == 0 ? Array(bytes.prefix(4)) : bytes + (bytes[1] == 0x2A || bytes[1] == 0x88 ? [0x00] : [])
        let full = answerAPDU(apdu, &state)
        let (data, status) = (Array(full.dropLast(2)), Array(full.suffix(2)))
        guard !data.isEmpty else { return status }
        state.pending = data
        return announced(data.count)
    }

    private func announced(_ count: Int) -> [UInt8] {
        count == 0 ? [0x90, 0x00] : [0x61, UInt8(min(count, 256) & 0xFF)]
    }

    /// xorshift: the same garbage for the same seed.
    private func garbage(_ state: inout State) -> [UInt8] {
        func next() -> UInt64 {
            state.random ^= state.random << 13
            state.random ^= state.random >> 7
            state.random ^= state.random << 17
            return state.random
        }
        let count = Int(next() % 300) + 2
        var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
        // Half of it ends well, so that a parser gets to see it.
        if next() % 2 == 0 { bytes.replaceSubrange(count - 2..<count, with: [0x90, 0x00]) }
        return bytes
    }
}
