internal import Files
internal import Glibc
internal import Synchronization

/// That the clock was synchronised in this boot: remembered for as long as the boot lasts, also by a process that is
/// started again in it, and by no other boot.
package final class BootBelief: Sendable {
    private let path: String?
    private let boot: [UInt8]
    private let writes: Bool
    private let held = Mutex(false)

    /// Known to this process alone.
    package init() { (path, boot, writes) = (nil, [], false) }

    /// - Parameters:
    ///   - path: the file that remembers; it names the boot in which the clock was synchronised.
    ///   - boot: this boot's id; nil: it is not known, and nothing outlives the process.
    ///   - writes: false for whoever only looks.
    package init(path: String, boot: String?, writes: Bool = true) {
        self.path = boot == nil ? nil : path
        self.writes = writes
        self.boot = Array((boot ?? "").utf8) + [0x0A]
    }

    package var isHeld: Bool {
        held.withLock { held in
            if !held, let path { held = readFile(path) == boot }
            return held
        }
    }

    /// From now on. Where the disk takes nothing it is remembered by this process. It waits for the disk, once a boot, while
    /// nobody is served yet.
    func hold() {
        held.withLock { held in
            guard !held else { return }
            held = true
            guard let path, writes else { return }
            try? DurableFile.replace(path, with: boot)
        }
    }

    /// What tells this boot from every other: from the service manager (`%b`, systemd.unit(5)), whose sandbox hides the
    /// kernel's own answer, or from the kernel (random(4)).
    package static func thisBoot(environment: (String) -> String?) -> String? {
        if let named = environment("KAZASHI_BOOT"), !named.isEmpty { return named }
        let text = readFile("/proc/sys/kernel/random/boot_id").map { String(decoding: $0, as: UTF8.self) }
        let id = text?.filter { $0.isHexDigit } ?? ""
        return id.isEmpty ? nil : id
    }
}
