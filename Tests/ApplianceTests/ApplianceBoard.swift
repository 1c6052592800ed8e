import Foundation
import Glibc

/// A board that there is an image for, and the machine that stands for it here.
enum ApplianceBoard: String, Sendable, CaseIterable {
    /// A PC with UEFI.
    case pc = "x86_64"
    /// QEMU's virt, with U-Boot as its UEFI firmware, takes the Raspberry Pi's image.
    case pi = "arm64-pi4"

    /// Those that `board/test-image` asks for; else the PC alone.
    static var tried: [ApplianceBoard] {
        guard let names = getenv("KAZASHI_BOARDS") else { return [.pc] }
        return String(cString: names).split(separator: " ").compactMap { ApplianceBoard(rawValue: String($0)) }
    }

    static let repository = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The image that `board/image` makes; nil: there is none.
    var image: String? {
        let folder = Self.repository + "/.build/image"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.first { $0.hasSuffix("-\(rawValue).img.zst") }.map { folder + "/" + $0 }
    }

    var qemu: String {
        switch self {
        case .pc: "/usr/bin/qemu-system-x86_64"
        case .pi: "/usr/bin/qemu-system-aarch64"
        }
    }

    /// UEFI, or what brings it.
    var firmware: String {
        switch self {
        case .pc: "/usr/share/OVMF/OVMF_CODE_4M.fd"
        case .pi: "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
        }
    }

    /// QEMU's words for the machine itself.
    /// - Parameter variables: a file for what the firmware remembers.
    func machine(variables: String) -> [String] {
        switch self {
        case .pc:
            [
                "-machine", "q35", "-cpu", "max",
                "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=\(firmware)",
                "-drive", "if=pflash,format=raw,unit=1,file=\(variables)",
            ]
        case .pi: ["-machine", "virt", "-cpu", "cortex-a72", "-bios", firmware]
        }
    }

    var isThere: Bool {
        image != nil && [qemu, firmware, "/usr/bin/mcopy"].allSatisfy { FileManager.default.fileExists(atPath: $0) }
    }
}
