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
    private let qemu: ChildProcess

    /// - Parameter stick: an image of a disk on USB that is plugged in from the start.
    init(_ disk: FlashedDisk, memory: Int = 512, stick: String? = nil) throws {
        self.disk = disk
        display = try SerialDisplay()
        otherDisplay = try SerialDisplay()
        reader = try PassthroughReader(path: disk.folder + "/reader")
        let variables = disk.folder + "/variables.fd"
        if disk.board == .pc, !FileManager.default.fileExists(atPath: variables) {
            try FileManager.default.copyItem(atPath: "/usr/share/OVMF/OVMF_VARS_4M.fd", toPath: variables)
        }
        qemu = try ChildProcess(
            disk.board.qemu,
            disk.board.machine(variables: variables) + [
                "-accel", "tcg,thread=multi", "-smp", "2", "-m", "\(memory)",
                "-display", "none", "-nodefaults", "-serial", "file:\(disk.folder)/console",
                "-drive", "if=virtio,format=raw,file=\(disk.path)",
                "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
                "-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network",
                "-device", "qemu-xhci,p2=8", "-chardev", "serial,id=display,path=\(display.path)",
                "-chardev", "serial,id=other,path=\(otherDisplay.path)",
                "-device", "usb-serial,chardev=display", "-device", "usb-serial,chardev=other",
                "-device", "usb-ccid", "-chardev", "socket,id=reader,path=\(disk.folder)/reader",
                "-device", "ccid-card-passthru,chardev=reader",
            ]
                + (stick.map {
                    [
                        "-drive", "if=none,id=stick,format=raw,readonly=on,file=\($0)", "-device",
                        "usb-storage,drive=stick",
                    ]
                } ?? []))
    }

    /// What the firmware and the loader said, for whoever reads a failure.
    var log: String {
        let console = (try? String(contentsOfFile: disk.folder + "/console", encoding: .utf8)) ?? ""
        return String(console.suffix(2_000)) + qemu.standardError
    }

    /// Switches a disk's machine on for as long as the body runs, however that ends.
    static func whileRunning(
        _ disk: FlashedDisk, stick: String? = nil, _ body: (ApplianceMachine) async throws -> Void
    ) async throws {
        let machine = try ApplianceMachine(disk, stick: stick)
        do {
            try await body(machine)
        } catch {
            print(machine.log)
            await machine.stop()
            throw error
        }
        await machine.stop()
    }

    /// Pulls the plug.
    func stop() async {
        await qemu.stop(SIGKILL)
        reader.stop()
        display.stop()
        otherDisplay.stop()
    }
}
