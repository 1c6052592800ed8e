import Foundation
import Glibc
import Panel
import Synchronization
import TestRig
import Testing

/// The driver against a display that was written from the data sheet alone.
@Suite struct HD44780Tests {
    /// Six lines that lead to the model, and a clock that only our own pauses move.
    final class Wires: LineOutput {
        private struct State {
            var model = HD44780Model()
            var time: Int64 = 0
            var isOpen = false
            var fault: DeviceFault?
            var sets = 0
        }
        private let state = Mutex(State())

        var model: HD44780Model { state.withLock { $0.model } }
        var isOpen: Bool { state.withLock { $0.isOpen } }
        var sets: Int { state.withLock { $0.sets } }
        func fail(_ fault: DeviceFault?) { state.withLock { $0.fault = fault } }
        /// Its power goes and comes.
        func losePower() {
            state.withLock { state in
                state.model = HD44780Model()
                state.time = 15_000_000
            }
        }

        func pause(_ duration: Duration) {
            let (seconds, attoseconds) = duration.components
            state.withLock { $0.time += seconds * 1_000_000_000 + attoseconds / 1_000_000_000 }
        }

        func open() throws(DeviceFault) {
            if let fault = state.withLock({ $0.fault }) { throw fault }
            state.withLock { $0.isOpen = true }
        }

        func set(_ lines: DisplayLines) throws(DeviceFault) {
            if let fault = state.withLock({ $0.fault }) { throw fault }
            state.withLock { state in
                state.sets += 1
                state.model.take(
                    .init(
                        rs: lines.contains(.registerSelect), e: lines.contains(.enable),
                        data: lines.rawValue & 0x0F), at: state.time)
            }
        }

        func close() { state.withLock { $0.isOpen = false } }
    }

    private func display(_ wires: Wires) -> HD44780Display { HD44780Display(wires) { wires.pause($0) } }

    @Test(
        "Every message, in each width, language and ROM: the model shows both rows, and had the time it wants",
        arguments: DisplayLayout.Width.allCases, [true, false])
    func messages(width: DisplayLayout.Width, hasKana: Bool) throws {
        for language in DisplayLayout.Language.allCases {
            for isTest in [true, false] {
                let layout = DisplayLayout(width: width, hasKana: hasKana, language: language, isTest: isTest)
                let wires = Wires()
                var display = display(wires)
                try display.open()
                for message in Message.all {
                    for screen in layout.screens(of: message) {
                        try display.perform(screen)
                        let model = wires.model
                        #expect(model.text(row: 0, columns: width.rawValue) == screen.upper)
                        #expect(model.text(row: 1, columns: width.rawValue) == screen.lower)
                        #expect(model.isOn && !model.hasCursor)
                        if !hasKana { #expect(model.row(0, columns: width.rawValue).allSatisfy { $0 < 0x80 }) }
                    }
                }
                #expect(wires.model.faults == [])
                display.close()
                #expect(!wires.isOpen)
            }
        }
    }

    @Test("A display that lost its power is set up again within a minute of turns, wherever it was in a byte")
    func powerLoss() throws {
        let wires = Wires()
        var display = display(wires)
        try display.open()
        let screen = Screen(upper: "Hold still          ", lower: "                    ")
        try display.perform(screen)
        wires.losePower()
        for _ in 0..<16 { try display.perform(screen) }
        #expect(wires.model.text(row: 0, columns: 20) == screen.upper && wires.model.isOn)
    }

    @Test("Opened again in the middle of a byte, as after a crash: the halves are told apart again")
    func halfByte() throws {
        let wires = Wires()
        var first = display(wires)
        try first.open()
        // The upper half of a command, and then nothing more.
        try wires.set(.data(0x8))
        try wires.set(DisplayLines.data(0x8).union(.enable))
        wires.pause(.microseconds(1))
        try wires.set(.data(0x8))
        wires.pause(.microseconds(100))
        var second = display(wires)
        try second.open()
        let screen = Screen(upper: "Card accepted   ", lower: "ｶｸﾆﾝｼﾏｼﾀ        ")
        try second.perform(screen)
        #expect(wires.model.text(row: 0, columns: 16) == screen.upper)
        #expect(wires.model.text(row: 1, columns: 16) == screen.lower)
    }

    @Test("What the lines say when they fail is the device's fault, and they are let go of")
    func faults() throws {
        let wires = Wires()
        var display = display(wires)
        wires.fail(.busy)
        #expect(throws: DeviceFault.busy) { try display.open() }
        wires.fail(nil)
        try display.open()
        wires.fail(.broken)
        #expect(throws: DeviceFault.broken) { try display.perform(Screen(upper: "A", lower: "B")) }
    }

    @Test("A backpack's pins: RS at P0, E at P2, the backlight at P3, data from P4 on; RW stays low")
    func backpack() {
        #expect(BackpackLines.pins([]) == 0x08)
        #expect(BackpackLines.pins(.registerSelect) == 0x09)
        #expect(BackpackLines.pins(.enable) == 0x0C)
        #expect(BackpackLines.pins(.data(0xF)) == 0xF8)
        #expect(BackpackLines.pins(DisplayLines.data(0xA).union([.registerSelect, .enable])) == 0xAD)
    }

    @Test("No chip, and something else than a chip or a bus, have their names")
    func otherDevices() {
        var missing = GPIOLines(chip: "/dev/gpiochip-none", offsets: [0, 1, 2, 3, 4, 5])
        #expect(throws: DeviceFault.missing) { try missing.open() }
        var other = GPIOLines(chip: "/dev/null", offsets: [0, 1, 2, 3, 4, 5])
        #expect(throws: DeviceFault.wrongKind) { try other.open() }
        var bus = BackpackLines(bus: "/dev/null", address: 0x27)
        #expect(throws: DeviceFault.wrongKind) { try bus.open() }
    }

    @Test("A pause lasts as long as it is asked to, at the least")
    func pauses() {
        let start = ContinuousClock.now
        HD44780Display.sleep(.microseconds(2_500))
        #expect(start.duration(to: .now) >= .microseconds(2_500))
    }
}
