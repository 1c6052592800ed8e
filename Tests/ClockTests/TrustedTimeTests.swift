import Clock
import Files
import Foundation
import Synchronization
import Testing

@Suite struct TrustedTimeTests {
    @Test("An unset clock is no time; a synchronised one is")
    func synchronised() {
        let floor = TimeFloor(newest: nil, stored: nil, maxAge: 100)
        #expect(
            TrustedClock(source: .synchronised, system: { 5 }, kernel: { .unsynchronised }).now(floor: floor) == nil)
        #expect(
            TrustedClock(source: .synchronised, system: { 5 }, kernel: { .synchronised }).now(floor: floor)
                == TrustedTime(asserted: 5))
        #expect(
            TrustedClock(source: .system, system: { 5 }, kernel: { .unsynchronised }).now(floor: floor)
                == TrustedTime(asserted: 5))
    }

    @Test("What the kernel said once in this boot counts for the boot, in every process; another boot asks anew")
    func boot() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-\(UUID().uuidString)").path()
        try Ownership.makeFolder(folder, mode: 0o700)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func clock(boot: String?, _ answers: KernelClock...) -> TrustedClock {
            let left = Mutex(answers)
            return TrustedClock(
                source: .synchronised, belief: BootBelief(path: folder + "/clock", boot: boot),
                system: { 5 }, kernel: { left.withLock { $0.isEmpty ? .unsynchronised : $0.removeFirst() } })
        }
        // Whoever only looks changes nothing.
        #expect(clock(boot: "a", .synchronised).believed()?.secondsSince1970 == 5)
        #expect(clock(boot: "a").believed() == nil)
        // A call that fails is no answer, neither way.
        let first = clock(boot: "a", .unknown(EPERM), .unsynchronised, .synchronised, .unsynchronised, .unknown(EPERM))
        #expect(clock(boot: "a", .unknown(EPERM)).problem == EPERM)
        #expect(clock(boot: "a", .unsynchronised).problem == nil)
        for expected in [nil, nil, 5, 5, 5] as [Int64?] { #expect(first.believed()?.secondsSince1970 == expected) }
        #expect(first.belief.wantsWriting)
        first.belief.write()
        #expect(!first.belief.wantsWriting)
        #expect(clock(boot: "a").believed()?.secondsSince1970 == 5)
        #expect(clock(boot: "b").believed() == nil)
        #expect(clock(boot: nil).believed() == nil)
    }

    @Test("A boot is named by the service manager, else by the kernel")
    func bootNames() {
        #expect(BootBelief.thisBoot { $0 == "KAZASHI_BOOT" ? "abc" : nil } == "abc")
        let kernels = readFile("/proc/sys/kernel/random/boot_id").map { String(decoding: $0, as: UTF8.self) }
        #expect(BootBelief.thisBoot { _ in nil } == kernels?.filter(\.isHexDigit))
    }

    @Test(
        "Time is never earlier than the newest list, nor than the time stored, and a clock far before them is none",
        arguments: [TrustedClock.Source.synchronised, .system])
    func floor(source: TrustedClock.Source) {
        let list = TimeFloor(newest: (5_000, 9_000), stored: nil, maxAge: 100)
        let stored = TimeFloor(newest: (5_000, 9_000), stored: 5_050, maxAge: 100)
        func now(_ system: Int64, _ floor: TimeFloor) -> Int64? {
            TrustedClock(source: source, system: { system }, kernel: { .synchronised }).now(floor: floor)?
                .secondsSince1970
        }
        for (system, byList, byStored) in [
            (6_000, 6_000, 6_000), (4_990, 5_000, 5_050), (4_750, 5_000, 5_050), (4_749, 5_000, nil),
            (4_700, 5_000, nil),
            (4_699, nil, nil), (0, nil, nil),
        ] as [(Int64, Int64?, Int64?)] {
            #expect(now(system, list) == byList, "\(system)")
            #expect(now(system, stored) == byStored, "\(system)")
        }
    }

    @Test("A believed clock is the system's alone; only one that lost its battery is helped by the time stored last")
    func believed() {
        let floor = TimeFloor(newest: (5_000, 9_000), stored: 5_050, maxAge: 100)
        for source in [TrustedClock.Source.synchronised, .system] {
            let clock = TrustedClock(source: source, system: { 1_000 }, kernel: { .synchronised })
            #expect(clock.believed() == TrustedTime(asserted: 1_000))
            #expect(clock.now(floor: floor) == nil)
            // Lists that are there: where only the configuration believes the clock, none was taken that lay ahead.
            func limit(_ time: Int64) -> TrustedTime? { source == .system ? nil : TrustedTime(asserted: time) }
            #expect(clock.issueLimit(stored: nil) == limit(1_000) && clock.issueLimit(stored: 500) == limit(1_000))
            // A time that was stored since speaks for them.
            #expect(clock.issueLimit(stored: 5_050) == limit(5_050))
            // A new list is held against a clock that may be right.
            #expect(clock.importLimit(stored: 500) == TrustedTime(asserted: 1_000))
            // Without a list it never goes back, not even by the minutes that are forgiven.
            #expect(clock.now(stored: 500) == TrustedTime(asserted: 1_000))
            #expect(clock.now(stored: 1_200) == TrustedTime(asserted: source == .system ? 1_200 : 1_000))
            #expect(clock.importLimit(stored: 5_050) == (source == .system ? nil : TrustedTime(asserted: 1_000)))
        }
        let unset = TrustedClock(source: .synchronised, system: { 1_000 }, kernel: { .unsynchronised })
        #expect(unset.believed() == nil && unset.issueLimit(stored: 5_050) == nil)
    }

    @Test("One forged time must not brick a kiosk: a time at which the newest list would be stale is none")
    func forged() {
        func floor(_ list: (Int64, Int64)?, stored: Int64) -> Int64? {
            TimeFloor(newest: list, stored: stored, maxAge: 100).secondsSince1970
        }
        #expect(floor((5_000, 9_000), stored: 5_100) == 5_100)
        #expect(floor((5_000, 9_000), stored: 5_101) == 5_000)
        #expect(floor((5_000, 9_000), stored: 9_999_999) == 5_000)
        // A list that is valid for no longer than max_age stays fresh too.
        #expect(floor((5_000, 5_100), stored: 5_099) == 5_099)
        #expect(floor((5_000, 5_100), stored: 5_100) == 5_000)
        #expect(floor((5_000, 5_000), stored: 9_999_999) == 5_000)
        #expect(floor((Int64.max - 1, .max), stored: .max) == Int64.max - 1)
        #expect(floor(nil, stored: 9_999_999) == nil)
    }
}
