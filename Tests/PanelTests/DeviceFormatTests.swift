import CLinux
import Foundation
import Glibc
import Testing

@testable import Panel

@Suite("What the kernel is handed for lines, tones and lamps")
struct DeviceFormatTests {
    @Test("Six lines, RS the lowest, then E, then the data lines; a backpack's pins as it is wired")
    func lines() {
        #expect(GPIOLines.bits([]) == 0 && GPIOLines.bits(.registerSelect) == 1 && GPIOLines.bits(.enable) == 2)
        for bit in 0..<4 {
            #expect(GPIOLines.bits(.data(1 << UInt8(bit))) == 4 << UInt64(bit))
            #expect(BackpackLines.pins(.data(1 << UInt8(bit))) == 0x08 | 0x10 << UInt8(bit))
        }
        #expect(GPIOLines.bits([.data(0x0F), .registerSelect, .enable]) == 0x3F)
        #expect(BackpackLines.pins(.registerSelect) == 0x09 && BackpackLines.pins(.enable) == 0x0C)
    }

    @Test("A tone is its frequency, silence none, and a beeper that is off is silent")
    func tones() {
        /// struct input_event: a time, then type, code and value.
        func value(_ event: [UInt8]) -> Int32 { event.suffix(4).withUnsafeBytes { $0.loadUnaligned(as: Int32.self) } }
        func code(_ event: [UInt8]) -> [UInt8] { Array(event.suffix(8).prefix(4)) }
        for (volume, frequency) in [(Beeper.Volume.high, 2_000), (.low, 800), (.off, 0)] as [(Beeper.Volume, Int32)] {
            let sounding = Beeper.event(.sounding, sound: 2, volume: volume)
            // EV_SND, and SND_TONE.
            #expect(code(sounding) == [0x12, 0, 2, 0] && value(sounding) == frequency)
            #expect(value(Beeper.event(.silent, sound: 2, volume: volume)) == 0)
        }
    }

    @Test("Lights and rhythms last as long as they are said to")
    func scores() {
        func lengths<Step>(_ score: Score<Step>) -> [Duration] { score.beats.map(\.lasts) }
        #expect(lengths(Score<Lamps>.glowing) == [.milliseconds(200), .milliseconds(2_800)])
        #expect(lengths(Score<Lamps>.swinging) == [.milliseconds(500), .milliseconds(500)])
        #expect(lengths(Score<Lamps>.blinking(.left)) == [.milliseconds(500), .milliseconds(500)])
        #expect(lengths(Score<Tone>.welcome) == [.milliseconds(100), .milliseconds(100), .milliseconds(100), .zero])
        #expect(lengths(Score<Tone>.again) == [250, 150, 250, 150, 250, 0].map { .milliseconds($0) })
        #expect(lengths(Score<Tone>.staff) == [.milliseconds(800), .zero])
        #expect(lengths(Score<Tone>.reminder) == [400, 150, 150, 1_300].map { .milliseconds($0) })
    }

    @Test("What takes nothing is waited for, and written to when it takes something again; who never does is blocked")
    func slowDevice() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { unlink(path) }
        try #require(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try DeviceFile(path)
        defer { file.close() }
        #expect(throws: DeviceFault.blocked) { try file.write([UInt8](repeating: 1, count: 1 << 20), patience: 10) }
        // From here on what is read waits for what is written.
        _ = fcntl(reader, F_SETFL, 0)
        Thread.detachNewThread {
            var room = [UInt8](repeating: 0, count: 1 << 16)
            var taken = 0
            // Until all that was written before, and now, is read.
            while taken < 1 << 17 {
                let count = read(reader, &room, room.count)
                guard count > 0 else { return }
                taken += count
            }
        }
        #expect(throws: Never.self) { try file.write([UInt8](repeating: 2, count: 1 << 16), patience: 5_000) }
    }
}
