import Foundation
import Glibc
import Panel
import Synchronization
import TestRig

/// The Debian tree on a kernel of Debian's under QEMU, for what only a kernel has: a serial adapter on USB, LEDs of the LED
/// class (those of a keyboard), a beeper of the input layer (the PC speaker, heard into a file), simulated GPIO lines. The
/// patrons are the pilot's.
final class VirtualMachine: Sendable {
    /// The kernels that `board/tree` takes from Debian.
    enum Kernel: String {
        case debian12 = ".vmlinuz"
        /// Debian 13's backports: the first one with simulated GPIO lines.
        case backports = ".vmlinuz-backports"
        /// The same for arm64, on QEMU's machine `virt` with a Raspberry Pi's header (`HeaderDeviceTree`).
        case arm64 = "-arm64.vmlinuz"

        fileprivate var file: String { DebianTree.original + rawValue }
        fileprivate var tree: String { self == .arm64 ? DebianTree.arm64 : DebianTree.original }
        /// Whether it is there, and can be booted.
        var boots: Bool {
            access(file, F_OK) == 0 && ServiceTree.boots
                && (self != .arm64 || access(DebianTree.arm64Programs, F_OK) == 0)
        }
        fileprivate var qemu: String { "/usr/bin/qemu-system-" + (self == .arm64 ? "aarch64" : "x86_64") }
        /// The machine, and a place for the steps' console.
        fileprivate func machine(_ folder: String) -> [String] {
            switch self {
            case .debian12, .backports:
                [
                    "-machine", "q35,pcspk-audiodev=sound", "-cpu", "max", "-append",
                    "console=ttyS0 quiet systemd.show_status=0", "-serial", "stdio", "-serial", "chardev:console",
                ]
            case .arm64:
                HeaderDeviceTree.machine + [
                    "-dtb", folder + "/header.dtb", "-append", "console=ttyAMA0 quiet systemd.show_status=0",
                    "-serial", "stdio", "-device", "pci-serial,chardev=console",
                ]
            }
        }
        /// Where the steps' console is in the machine.
        fileprivate var terminal: String { self == .arm64 ? "/dev/ttyS0" : "/dev/ttyS1" }
    }

    let files: DebianTree
    /// At the other end of the serial adapter.
    let display: SerialDisplay
    private let folder: String
    private let console: PseudoTerminal
    private let monitor: PseudoTerminal
    private let qemu: ChildProcess
    private let answers: AsyncStream<String>
    private let isStopped = Mutex(false)

    /// Installs and boots.
    /// - Parameter prepare: configures it.
    init(_ kernel: Kernel, prepare: (DebianTree) throws -> Void) async throws {
        files = try await DebianTree(of: kernel.tree)
        try await files.install()
        folder = files.root + ".machine"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await DebianTree.shell(
            "\"$1\" pki init \"$2/srv/pilot\" --port 8935 2>/dev/null && chmod -R a+rX \"$2/srv/pilot\"",
            Programs.laboratory, files.root)
        try prepare(files)
        try Self.prepareSteps(files, on: kernel.terminal)
        // The whole system is the initial file system: it needs no disk, and leaves none behind.
        try await DebianTree.shell(
            "ln -s sbin/init \"$1/init\" && cd \"$1\" && find . -print0 | cpio --null -o -H newc --quiet > \"$2/tree.cpio\"",
            files.root, folder)
        display = try SerialDisplay()
        (console, monitor) = (try PseudoTerminal(), try PseudoTerminal())
        if kernel == .arm64 { try await HeaderDeviceTree.make(in: folder) }
        qemu = try ChildProcess(
            kernel.qemu,
            kernel.machine(folder) + [
                "-accel", "tcg,thread=multi", "-smp", "2", "-m", "2560", "-display", "none", "-nodefaults",
                "-no-reboot",
                "-kernel", kernel.file, "-initrd", folder + "/tree.cpio",
                "-chardev", "serial,id=console,path=\(console.path)",
                "-chardev", "serial,id=monitor,path=\(monitor.path)", "-mon", "chardev=monitor",
                "-audiodev", "wav,id=sound,path=\(folder)/sound.wav",
                "-device", "qemu-xhci", "-chardev", "serial,id=display,path=\(display.path)",
                "-device", "usb-serial,id=display,chardev=display",
            ])
        let (answers, continuation) = AsyncStream<String>.makeStream()
        self.answers = answers
        // Reading blocks: a thread of its own.
        Thread.detachNewThread { [console, monitor, self] in
            var rest: [UInt8] = []
            while !isStopped.withLock({ $0 }) {
                // What the monitor says is not looked at, but must go somewhere.
                _ = monitor.read()
                rest += console.read(wait: 100)
                while let end = rest.firstIndex(of: 0x0A) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeSubrange(...end)
                }
            }
            continuation.finish()
        }
        // Before that it would echo.
        for await answer in answers where answer.hasPrefix("ready") { break }
    }

    private static func prepareSteps(_ files: DebianTree, on terminal: String) throws {
        // A line is a command, and so is its answer: code and output.
        try files.write(
            """
            #!/bin/sh
            stty raw -echo
            echo ready
            while read -r line; do
                output=$(sh -c "$(echo "$line" | base64 -d)" 2>&1 </dev/null)
                echo "$? $(printf %s "$output" | base64 -w0)"
            done

            """, to: "/usr/lib/steps")
        try files.write(
            """
            [Service]
            ExecStart=/bin/sh /usr/lib/steps
            StandardInput=tty
            StandardOutput=tty
            TTYPath=\(terminal)

            """, to: "/etc/systemd/system/steps.service")
        let wants = files.root + "/etc/systemd/system/basic.target.wants"
        try FileManager.default.createDirectory(atPath: wants, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: wants + "/steps.service", withDestinationPath: "../steps.service")
    }

    /// Runs a shell's words in the system.
    @discardableResult
    func run(_ words: String) async throws -> (code: Int?, output: String) {
        guard console.write(Array(Data(words.utf8).base64EncodedData()) + [0x0A]) else {
            throw DebianTree.Problem(description: "the console takes nothing: \(log)")
        }
        for await answer in answers {
            let parts = answer.split(whereSeparator: { $0 == " " || $0.isNewline })
            let output = parts.count > 1 ? Data(base64Encoded: String(parts[1])) : Data()
            return (parts.first.flatMap { Int($0) }, output.map { String(decoding: $0, as: UTF8.self) } ?? "")
        }
        throw DebianTree.Problem(description: "the console is silent: \(log)")
    }

    /// Runs a shell's words that have to succeed.
    /// - Returns: what they printed.
    @discardableResult
    func must(_ words: String) async throws -> String {
        let result = try await run(words)
        guard result.code == 0 else { throw DebianTree.Problem(description: "\(words): \(result)") }
        return result.output
    }

    /// The pilot's library listens, knows the kiosk, and the pilot's patrons are registered.
    func startPilot() async throws {
        try await must(
            "kazashictl key show | sed 's/^{\"keys\":\\[//; s/\\]}$//' > /srv/pilot/kiosk.jwk; (kazashi-lab library --folder /srv/pilot >/dev/null 2>&1 &)"
        )
        try await must("kazashictl registration import - < /srv/pilot/registrations.json")
        guard try await waits(for: "grep -q ':22E7 .* 0A' /proc/net/tcp") else {
            throw DebianTree.Problem(description: "the desk does not listen")
        }
    }

    /// Ends when the body has ended, however it did.
    /// - Returns: as `stop`.
    func whileRunning(_ body: () async throws -> Void) async throws -> Recording? {
        do {
            try await body()
        } catch {
            print(log)
            _ = await stop()
            throw error
        }
        return await stop()
    }

    /// Runs words again and again until they succeed, for a minute of the machine's at the most.
    func waits(for words: String) async throws -> Bool {
        try await run("for i in $(seq 120); do \(words) && exit; sleep 0.5; done; exit 1").code == 0
    }

    /// The serial adapter is pulled out.
    func unplugDisplay() { _ = monitor.write(Array("device_del display\n".utf8)) }
    func plugDisplay() { _ = monitor.write(Array("device_add usb-serial,id=display,chardev=display\n".utf8)) }

    /// What the kernel said, for whoever reads a failure.
    var log: String { String(qemu.standardOutput.suffix(2_000)) + qemu.standardError }

    /// Ends it.
    /// - Returns: what was heard of the PC speaker while it sounded, the pauses left out.
    func stop() async -> Recording? {
        await qemu.stop()
        isStopped.withLock { $0 = true }
        display.stop()
        let recording = (try? Data(contentsOf: URL(filePath: folder + "/sound.wav"))).flatMap { Recording(wave: $0) }
        await files.remove()
        try? FileManager.default.removeItem(atPath: folder)
        return recording
    }
}

/// A recording of one tone.
struct Recording {
    let seconds: Double
    /// Hz.
    let frequency: Double

    /// - Parameter wave: as QEMU writes it: 44 bytes of head, 16 bits, two channels.
    init?(wave: Data) {
        guard wave.count > 44 else { return nil }
        let rate = Double(wave[24]) + Double(wave[25]) * 256 + Double(wave[26]) * 65_536
        let samples = stride(from: 44, to: wave.count - 3, by: 4).map {
            Int16(truncatingIfNeeded: Int(wave[$0]) | Int(wave[$0 + 1]) << 8)
        }
        seconds = Double(samples.count) / rate
        let crossings = zip(samples, samples.dropFirst()).count { ($0 < 0) != ($1 < 0) }
        frequency = Double(crossings) / 2 / seconds
    }
}
