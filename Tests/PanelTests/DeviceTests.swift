import CLinux
import Foundation
import Glibc
import OwnThreads
import Panel
import Synchronization
import TestRig
import Testing

/// Displays on a pseudo terminal: the bytes are exact, the wire is not there. Reading one blocks.
@Suite(.ownThreads, .timeLimit(.minutes(1))) struct DeviceTests {
    private static let serial: [CommandSet] = [.cd5220, .utc, .escpos]

    private func shows(_ terminal: PseudoTerminal, _ emulator: inout DisplayEmulator, _ rows: [String]) -> Bool {
        // Half a minute at the most; a display that says something else is read on.
        for _ in 0..<300 where emulator.rows != rows { emulator.feed(terminal.read(wait: 100)) }
        return emulator.rows == rows
    }

    @Test(
        "Every message stands on each display as the catalogue has it; 2x20 cells take less than 60 ms",
        arguments: serial)
    func text(commands: CommandSet) throws {
        let terminal = try PseudoTerminal()
        defer { terminal.close() }
        var display = CharacterDisplay(commands, path: terminal.path)
        try display.open()
        var line = try #require(terminal.settings)
        #expect(cfgetospeed(&line) == speed_t(B9600))
        #expect(line.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
        #expect(line.c_cflag & (tcflag_t(PARENB) | tcflag_t(CSTOPB) | tcflag_t(CRTSCTS)) == 0)
        #expect(line.c_oflag & tcflag_t(OPOST) == 0)
        var emulator = DisplayEmulator(commands)
        emulator.feed(terminal.read(wait: 1_000))
        for message in Message.all {
            for screen in DisplayLayout().screens(of: message) {
                try display.perform(screen)
                let bytes = terminal.read(wait: 1_000)
                // Start bit, eight bits, stop bit.
                #expect(Double(bytes.count) * 10 / 9_600 < 0.060)
                emulator.feed(bytes)
                #expect(emulator.rows == [screen.upper.withoutTrailingSpaces, screen.lower.withoutTrailingSpaces])
            }
        }
        #expect(emulator.unknown == 0)
        display.close()
    }

    @Test("A row that was cut off half-said does not stand in the next text's way", arguments: CommandSet.allCases)
    func halfSaid(commands: CommandSet) {
        let rows = (upper: [UInt8](repeating: 0x78, count: 20), lower: [UInt8](repeating: 0x79, count: 20))
        let whole = commands.bytes(upper: rows.upper, lower: rows.lower)
        for cut in whole.indices {
            var emulator = DisplayEmulator(commands)
            emulator.feed(whole.prefix(cut))
            emulator.feed(commands.setUp(hasKana: true))
            emulator.feed(whole)
            #expect(
                emulator.rows == [String(repeating: "x", count: 20), String(repeating: "y", count: 20)], "cut at \(cut)"
            )
        }
    }

    @Test(
        "A display whose power was cut behind its adapter has its katakana again within sixteen turns",
        arguments: serial)
    func powerCut(commands: CommandSet) {
        var display = CharacterDisplay(commands, path: "")
        var emulator = DisplayEmulator(commands)
        let turns = DisplayLayout().screens(of: .ready)
        emulator.feed(commands.setUp(hasKana: true))
        for screen in turns { emulator.feed(display.bytes(of: screen)) }
        #expect(emulator.rows == ["My Number Card", "Hold here"])
        emulator.restart()
        emulator.feed(display.bytes(of: turns[0]))
        #expect(emulator.rows != ["ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ", "ｶｻﾞｼﾃｸﾀﾞｻｲ"])
        for turn in 1...16 { emulator.feed(display.bytes(of: turns[turn % 2])) }
        #expect(emulator.rows == ["ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ", "ｶｻﾞｼﾃｸﾀﾞｻｲ"])
        // What is new is never made longer by it: a patron waits for that.
        for turn in 1...14 { emulator.feed(display.bytes(of: turns[turn % 2])) }
        for message in Message.all where message != .ready {
            let length = display.bytes(of: DisplayLayout().screens(of: message)[0]).count
            #expect(Double(length) * 10 / 9_600 < 0.060)
        }
    }

    @Test("What a display showed before, by whatever program, does not keep it from being set up", arguments: serial)
    func usedBefore(commands: CommandSet) {
        let rows = [UInt8](repeating: 0x78, count: 20)
        var emulator = DisplayEmulator(commands)
        emulator.feed(commands.bytes(upper: rows, lower: rows))
        emulator.feed(commands.setUp(hasKana: true))
        emulator.feed(commands.bytes(upper: Array(repeating: 0xB6, count: 20), lower: rows))
        #expect(emulator.rows == [String(repeating: "ｶ", count: 20), String(repeating: "x", count: 20)])
    }

    @Test("How a beeper sounds: a tone where it makes one, else a bell; with keys, or without a sound, it is none")
    func sounds() {
        // linux/input-event-codes.h: EV_KEY 1, EV_SND 18; SND_BELL 1, SND_TONE 2.
        let (key, sound, bell, tone) = (UInt(1) << 1, UInt(1) << 18, UInt(1) << 1, UInt(1) << 2)
        #expect(kz_sound_of_masks(1 | sound, bell | tone) == 2, "pwm-beeper")
        #expect(kz_sound_of_masks(1 | sound, bell) == 1, "gpio-beeper")
        #expect(kz_sound_of_masks(1 | sound | key, bell | tone) == -1, "a keyboard")
        #expect(kz_sound_of_masks(1 | sound, 0) == -1)
        #expect(kz_sound_of_masks(1, bell | tone) == -1)
    }

    @Test("The kernel's character LCD is written by its escapes, into a file that is no line")
    func kernelDisplay() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-lcd-\(UUID().uuidString)").path()
        try Data().write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var display = CharacterDisplay(.charlcd, path: path)
        try display.open()
        let screen = DisplayLayout(width: .sixteen).screens(of: .welcome)[0]
        try display.perform(screen)
        var emulator = DisplayEmulator(.charlcd, width: .sixteen)
        emulator.feed(try Data(contentsOf: URL(filePath: path)))
        #expect(emulator.rows == ["ｶｸﾆﾝｼﾏｼﾀ", "Card accepted"] && emulator.unknown == 0)
        display.close()
    }

    @Test("What is no line is refused as a display, what makes no tone as a beeper; what is not there is missing")
    func otherKinds() throws {
        var display = CharacterDisplay(.cd5220, path: "/dev/null")
        #expect(throws: DeviceFault.wrongKind) { try display.open() }
        var beeper = Beeper(path: "/dev/null", volume: .high)
        #expect(throws: DeviceFault.wrongKind) { try beeper.open() }
        var gone = CharacterDisplay(.cd5220, path: "/dev/kazashi-no-such-line")
        #expect(throws: DeviceFault.missing) { try gone.open() }
        var lamps = LampRow(["/dev/null", "/dev/null", "/dev/null"])
        #expect(throws: DeviceFault.missing) { try lamps.open() }
    }

    @Test("What the system says is told apart")
    func systemErrors() {
        #expect(DeviceFault(errno: EACCES) == .refused && DeviceFault(errno: EROFS) == .refused)
        #expect(DeviceFault(errno: EBUSY) == .busy && DeviceFault(errno: ENXIO) == .missing)
        #expect(DeviceFault(errno: EIO) == .broken)
    }

    @Test("Lamps: each LED has its own file, and only what changes is written")
    func lamps() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-leds-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let names = ["left", "middle", "right"].map { folder + "/" + $0 }
        for name in names {
            try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
            try Data("000".utf8).write(to: URL(filePath: name + "/brightness"))
        }
        func values() throws -> [String] {
            try names.map { String(decoding: try Data(contentsOf: URL(filePath: $0 + "/brightness")), as: UTF8.self) }
        }
        var row = LampRow(names)
        try row.open()
        try row.perform(.left)
        #expect(try values() == ["255", "000", "000"])
        try Data("xxx".utf8).write(to: URL(filePath: names[1] + "/brightness"))
        try row.perform([.right])
        #expect(try values() == ["000", "xxx", "255"])
        row.close()
    }

    @Test("A cable that is pulled is missed at the next turn, and the display that comes back shows what counts now")
    func pulledCable() async throws {
        let link = FileManager.default.temporaryDirectory.appending(path: "kazashi-tty-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: link) }
        let first = try PseudoTerminal()
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: first.path)
        let (conditions, continuation) = AsyncStream<DeviceCondition>.makeStream()
        let player = DevicePlayer(
            CharacterDisplay(.cd5220, path: link), name: "display", retry: .milliseconds(50)
        ) { continuation.yield($0) }
        let running = Task { await player.run() }
        player.post(DisplayLayout().score(of: .holdStill))
        var emulator = DisplayEmulator(.cd5220)
        #expect(shows(first, &emulator, ["ｳｺﾞｶｻﾅｲﾃﾞｸﾀﾞｻｲ", "Hold still"]))
        first.close()
        player.post(DisplayLayout().score(of: .welcome))
        var iterator = conditions.makeAsyncIterator()
        #expect(await iterator.next() != .well)
        #expect(player.condition != .well)
        let second = try PseudoTerminal()
        defer { second.close() }
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: second.path)
        var again = DisplayEmulator(.cd5220)
        #expect(shows(second, &again, ["ｶｸﾆﾝｼﾏｼﾀ", "Card accepted"]))
        while let condition = await iterator.next(), condition != .well {}
        #expect(player.condition == .well)
        running.cancel()
    }

    @Test("A display that takes nothing more is given up and tried again; posting never waits")
    func heldLine() async throws {
        // Nobody reads this end until the line is full.
        let terminal = try PseudoTerminal()
        defer { terminal.close() }
        let (conditions, continuation) = AsyncStream<DeviceCondition>.makeStream()
        let player = DevicePlayer(
            CharacterDisplay(.cd5220, path: terminal.path), name: "display", retry: .milliseconds(50)
        ) { continuation.yield($0) }
        let running = Task { await player.run() }
        let text = Screen(upper: String(repeating: "x", count: 20), lower: String(repeating: "y", count: 20))
        player.post(Score([(text, .microseconds(1))], repeats: true))
        var iterator = conditions.makeAsyncIterator()
        #expect(await iterator.next() == .faulty(.blocked))
        // It is read again: what counts now is shown.
        player.post(DisplayLayout().score(of: .ready))
        var emulator = DisplayEmulator(.cd5220)
        #expect(shows(terminal, &emulator, ["ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞｦ", "ｶｻﾞｼﾃｸﾀﾞｻｲ"]), "\(emulator) \(player.condition)")
        running.cancel()
    }
}

/// The player, with a device that does what it is told.
@Suite(.timeLimit(.minutes(1))) struct DevicePlayerTests {
    private final class Script: Sendable {
        let performed = Mutex<[Int]>([])
        let fault = Mutex<DeviceFault?>(nil)
        let gate = DispatchSemaphore(value: 0)
        let (entered, enter) = AsyncStream<Int>.makeStream()
    }

    private struct Device: PanelDevice {
        let script: Script
        var blocks = false
        mutating func open() throws(DeviceFault) {
            if let fault = script.fault.withLock({ $0 }) { throw fault }
        }
        func perform(_ step: Int) throws(DeviceFault) {
            script.enter.yield(step)
            if blocks, step == 0 { script.gate.wait() }
            if let fault = script.fault.withLock({ $0 }) { throw fault }
            script.performed.withLock { $0.append(step) }
        }
        func close() {}
    }

    @Test("While the device hangs in a call, posts return at once, and only the newest is played after")
    func hangs() async throws {
        let script = Script()
        let player = DevicePlayer(Device(script: script, blocks: true), name: "hangs")
        let running = Task { await player.run() }
        player.post(.steady(0))
        var entered = script.entered.makeAsyncIterator()
        #expect(await entered.next() == 0)
        for step in 1...9 { player.post(.steady(step)) }
        #expect(script.performed.withLock { $0 }.isEmpty)
        script.gate.signal()
        while let step = await entered.next(), step != 9 {}
        // What was overtaken may be skipped, never played after what overtook it.
        let performed = script.performed.withLock { $0 }
        #expect(performed == performed.sorted())
        running.cancel()
    }

    @Test("A call that does not come back is told as stuck, and the device is well again after it")
    func stuck() async throws {
        let script = Script()
        let player = DevicePlayer(Device(script: script, blocks: true), name: "hangs", longestCall: .zero)
        let running = Task { await player.run() }
        player.post(.steady(0))
        var entered = script.entered.makeAsyncIterator()
        #expect(await entered.next() == 0)
        #expect(player.condition == .stuck)
        script.gate.signal()
        player.post(.steady(1))
        #expect(await entered.next() == 1)
        running.cancel()
        await running.value
        #expect(player.condition == .well)
    }

    /// A step that can be counted while it is held.
    private final class Counted: Hashable, Sendable {
        static let held = Mutex(0)
        let number: Int
        init(_ number: Int) {
            self.number = number
            Self.held.withLock { $0 += 1 }
        }
        deinit { Self.held.withLock { $0 -= 1 } }
        static func == (one: Counted, other: Counted) -> Bool { one === other }
        func hash(into hasher: inout Hasher) { hasher.combine(number) }
    }

    private struct Hanging: PanelDevice {
        let gate: DispatchSemaphore
        let entered: AsyncStream<Int>.Continuation
        func open() {}
        func perform(_ step: Counted) {
            entered.yield(step.number)
            gate.wait()
        }
        func close() {}
    }

    @Test("What was overtaken while a device hangs is not kept, however long it hangs")
    func overtaken() async {
        let (gate, (entered, enter)) = (DispatchSemaphore(value: 0), AsyncStream<Int>.makeStream())
        let player = DevicePlayer(Hanging(gate: gate, entered: enter), name: "hangs")
        let running = Task { await player.run() }
        player.post(.steady(Counted(0)))
        var steps = entered.makeAsyncIterator()
        #expect(await steps.next() == 0)
        for number in 1...500 { player.post(.steady(Counted(number))) }
        // The one that hangs and the newest: as soon as the player has looked at all of them.
        while Counted.held.withLock({ $0 }) > 2 { await Task.yield() }
        for _ in 0..<4 { gate.signal() }
        while let number = await steps.next(), number != 500 {}
        running.cancel()
        await running.value
    }

    @Test("A device that hangs does not keep the player from ending")
    func ends() async {
        let script = Script()
        let player = DevicePlayer(Device(script: script, blocks: true), name: "hangs")
        let running = Task { await player.run() }
        player.post(.steady(0))
        var entered = script.entered.makeAsyncIterator()
        _ = await entered.next()
        running.cancel()
        await running.value
        script.gate.signal()
    }

    @Test("The last step is played when the player ends")
    func finale() async {
        let script = Script()
        let player = DevicePlayer(Device(script: script), name: "ends", finale: 99)
        let running = Task { await player.run() }
        player.post(.steady(1))
        var entered = script.entered.makeAsyncIterator()
        _ = await entered.next()
        running.cancel()
        await running.value
        #expect(script.performed.withLock { $0 } == [1, 99])
    }

    @Test("A fault is reported once, and once more when it is over; the step is played then")
    func faults() async {
        let script = Script()
        script.fault.withLock { $0 = .missing }
        let (conditions, continuation) = AsyncStream<DeviceCondition>.makeStream()
        let player = DevicePlayer(Device(script: script), name: "faults", retry: .milliseconds(5)) {
            continuation.yield($0)
        }
        let running = Task { await player.run() }
        player.post(.steady(7))
        var iterator = conditions.makeAsyncIterator()
        #expect(await iterator.next() == .faulty(.missing))
        script.fault.withLock { $0 = nil }
        #expect(await iterator.next() == .well)
        var entered = script.entered.makeAsyncIterator()
        #expect(await entered.next() == 7)
        running.cancel()
    }

    @Test("A score that repeats goes on until the next one")
    func repeats() async {
        let script = Script()
        let player = DevicePlayer(Device(script: script), name: "repeats")
        let running = Task { await player.run() }
        player.post(Score([(1, .milliseconds(1)), (2, .milliseconds(1))], repeats: true))
        var entered = script.entered.makeAsyncIterator()
        var steps: [Int] = []
        while steps.count < 6, let step = await entered.next() { steps.append(step) }
        #expect(steps == [1, 2, 1, 2, 1, 2])
        player.post(.steady(3))
        while let step = await entered.next(), step != 3 {}
        running.cancel()
    }
}
