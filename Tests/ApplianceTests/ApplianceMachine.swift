import Foundation
import Panel
import TestRig
import VirtualCard

/// A PC with the appliance's disk, as QEMU emulates it: UEFI, a serial adapter on USB with a display, a card reader on USB, a
/// network whose gateway (10.0.2.2) is this machine's loopback, a watchdog.
final class ApplianceMachine: Sendable {
    /// Where QEMU is, and the UEFI firmware that it starts.
    static let qemu = "/usr/bin/qemu-system-x86_64"
    static let firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd"

    static var isThere: Bool {
        FlashedDisk.image != nil
            && [qemu, firmware, "/usr/bin/mcopy"].allSatisfy { FileManager.default.fileExists(atPath: $0) }
    }

    let disk: FlashedDisk
    let display: SerialDisplay
    let reader: PassthroughReader
    private let qemu: ChildProcess

    /// - Parameter stick: an image of a disk on USB that is plugged in from the start.
    init(_ disk: FlashedDisk, memory: Int = 512, stick: String? = nil) throws {
        self.disk = disk
        display = try SerialDisplay()
        reader = try PassthroughReader(path: disk.folder + "/reader")
        let variables = disk.folder + "/variables.fd"
        if !FileManager.default.fileExists(atPath: variables) {
            try FileManager.default.copyItem(atPath: "/usr/share/OVMF/OVMF_VARS_4M.fd", toPath: variables)
        }
        qemu = try ChildProcess(
            Self.qemu,
            [
                "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "\(memory)",
                "-display", "none", "-nodefaults", "-serial", "file:\(disk.folder)/console",
                "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=\(Self.firmware)",
                "-drive", "if=pflash,format=raw,unit=1,file=\(variables)",
                "-drive", "if=virtio,format=raw,file=\(disk.path)",
                "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
                "-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network",
                "-device", "qemu-xhci", "-chardev", "serial,id=display,path=\(display.path)",
                "-device", "usb-serial,id=display,chardev=display",
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
    }
}
