import Dispatch
import Panel
import Testing

/// Display, lamps and beeper together.
@Suite(.timeLimit(.minutes(1))) struct FrontPanelTests {
    /// A device that tells what it was to do.
    private struct Telling<Step: Hashable & Sendable>: PanelDevice {
        let told: AsyncStream<Step>.Continuation
        var gate: DispatchSemaphore?

        mutating func open() {}
        func perform(_ step: Step) {
            told.yield(step)
            gate?.wait()
        }
        mutating func close() {}
    }

    private func sounds(isQuiet: Bool, after message: Message) async -> [Tone] {
        let (tones, told) = AsyncStream<Tone>.makeStream()
        let panel = FrontPanel(
            layout: DisplayLayout(), beeper: DevicePlayer(Telling(told: told), name: "beeper")
        ) { isQuiet }
        let running = Task { await panel.run() }
        panel.show(message)
        let count = isQuiet ? 1 : message.sound?.beats.count ?? 1
        var heard: [Tone] = []
        for await tone in tones {
            heard.append(tone)
            if heard.count == count { break }
        }
        running.cancel()
        return heard
    }

    @Test("A welcome sounds, in quiet hours it does not, and a message without a sound ends the one before")
    func quiet() async {
        #expect(await sounds(isQuiet: false, after: .welcome) == [.sounding, .silent, .sounding, .silent])
        #expect(await sounds(isQuiet: true, after: .welcome) == [.silent])
        #expect(await sounds(isQuiet: false, after: .ready) == [.silent])
    }

    @Test("A display that hangs keeps neither lamps nor whoever shows something waiting")
    func hangingDisplay() async {
        let gate = DispatchSemaphore(value: 0)
        let (screens, shown) = AsyncStream<Screen>.makeStream()
        let (lamps, lit) = AsyncStream<Lamps>.makeStream()
        let panel = FrontPanel(
            layout: DisplayLayout(), display: DevicePlayer(Telling(told: shown, gate: gate), name: "display"),
            lamps: DevicePlayer(Telling(told: lit), name: "lights"))
        let running = Task { await panel.run() }
        panel.show(.holdStill)
        for await _ in screens { break }
        panel.show(.welcome)
        for await step in lamps where step == .middle { break }
        running.cancel()
        await running.value
        gate.signal()
        gate.signal()
    }
}
