import Foundation
import Panel
import TestRig
import VirtualCard

/// A machine with the appliance's disk, as QEMU emulates it: UEFI, two serial adapters on USB with displays, a card reader on USB, a
/// network whose gateway (10.0.2.2) is this machine's loopback, a watchdog.
final class ApplianceMachine: Sendable {
    let disk: FlashedDisk
    let display: SerialDisplay
    /// On another serial adapter.
    let otherDisplay: SerialDisplay
    let reader: PassthroughReader
    private let monitor: PseudoTerminal
    private let qemu: ChildProcess

    /// What it meets.
    struct Conditions {
        /// MB.
        var memory = 512
        /// An image of a disk on USB that is plugged in from the start.
        var stick: String?
        /// Nothing can be written on the medium.
        var isProtected = false
        /// The first serial line; nil: what is said there is kept for whoever reads a failure.
        var console: PseudoTerminal?
        /// What its own clock says, such as `2020-01-01T00:00:00`; nil: the right time.
        var clock: String?
    }

    init(_ disk: FlashedDisk, _ conditions: Conditions = Conditions()) throws {
        self.disk = disk
        display = try SerialDisplay()
        otherDisplay = try SerialDisplay()
        reader = try PassthroughReader(path: disk.folder + "/reader")
        monitor = try PseudoTerminal()
        let variables = disk.folder + "/variables.fd"
        if disk.board == .pc, !FileManager.default.fileExists(atPath: variables) {
            try FileManager.default.copyItem(atPath: "/usr/share/OVMF/OVMF_VARS_4M.fd", toPath: variables)
        }
        qemu = try ChildProcess(
            disk.board.qemu,
            disk.board.machine(variables: variables) + [
                "-accel", "tcg,thread=multi", "-smp", "2", "-m", "\(conditions.memory)",
                "-display", "none", "-nodefaults",
                "-chardev",
                conditions.console.map { "serial,id=console,path=\($0.path)" }
                    ?? "file,id=console,path=\(disk.folder)/console",
                "-serial", "chardev:console",
                "-chardev", "serial,id=monitor,path=\(monitor.path)", "-monitor", "chardev:monitor",
                "-drive", "if=virtio,format=raw,readonly=\(conditions.isProtected ? "on" : "off"),file=\(disk.path)",
                "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
                "-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network",
                "-device", "qemu-xhci,p2=8", "-chardev", "serial,id=display,path=\(display.path)",
                "-chardev", "serial,id=other,path=\(otherDisplay.path)",
                "-device", "usb-serial,chardev=display,id=line", "-device", "usb-serial,chardev=other",
                "-device", "usb-ccid,id=ccid", "-chardev", "socket,id=reader,path=\(disk.folder)/reader",
                "-device", "ccid-card-passthru,chardev=reader",
            ]
                + (conditions.stick.map {
                    [
                        "-drive", "if=none,id=stick,format=raw,readonly=on,file=\($0)", "-device",
                        "usb-storage,drive=stick,id=plugged",
                    ]
                } ?? []) + (conditions.clock.map { ["-rtc", "base=\($0)"] } ?? []))
    }

    /// What the firmware and the loader said, for whoever reads a failure.
    var log: String {
        let console = (try? String(contentsOfFile: disk.folder + "/console", encoding: .utf8)) ?? ""
        return String(console.suffix(2_000)) + qemu.standardError
    }

    /// Switches a disk's machine on for as long as the body runs, however that ends.
    static func whileRunning(
        _ disk: FlashedDisk, _ conditions: Conditions = Conditions(), _ body: (ApplianceMachine) async throws -> Void
    ) async throws {
        let machine = try ApplianceMachine(disk, conditions)
        do {
            try await body(machine)
        } catch {
            print(machine.log)
            await machine.stop()
            throw error
        }
        await machine.stop()
    }

    /// What is on USB, as the machine knows it.
    enum Part: String {
        case reader = "ccid"
        case display = "line"
        case stick = "plugged"
    }

    /// Pulls it out.
    func unplug(_ part: Part) { _ = monitor.write(Array("device_del \(part.rawValue)\r".utf8)) }

    /// Plugs the display's line in again.
    func plugDisplay() { _ = monitor.write(Array("device_add usb-serial,chardev=display,id=line\r".utf8)) }

    /// Pulls the plug.
    func stop() async {
        await qemu.stop(SIGKILL)
        reader.stop()
        display.stop()
        otherDisplay.stop()
        monitor.close()
    }
}
