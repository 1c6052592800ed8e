internal import Files
internal import Glibc
internal import Synchronization

/// That the clock was synchronised in this boot: remembered for as long as the boot lasts, also by a process that is
/// started again in it, and by no other boot.
package final class BootBelief: Sendable {
    private struct State {
        var isHeld = false
        /// It stands in the file.
        var isWritten = false
    }
    private let path: String?
    private let boot: [UInt8]
    private let state = Mutex(State())

    /// Known to this process alone.
    package init() { (path, boot) = (nil, []) }

    /// - Parameters:
    ///   - path: the file that remembers; it names the boot in which the clock was synchronised.
    ///   - boot: this boot's id; nil: it is not known, and nothing outlives the process.
    package init(path: String, boot: String?) {
        self.path = boot == nil ? nil : path
        self.boot = Array((boot ?? "").utf8) + [0x0A]
    }

    package var isHeld: Bool {
        state.withLock { state in
            if !state.isHeld, let path, readFile(path) == boot { state = State(isHeld: true, isWritten: true) }
            return state.isHeld
        }
    }

    /// From now on, in this process.
    func hold() { state.withLock { $0.isHeld = true } }

    /// Whether the next process of this boot does not know of it yet.
    package var wantsWriting: Bool { path != nil && state.withLock { $0.isHeld && !$0.isWritten } }

    /// Writes it down, once; it waits for the disk.
    package func write() {
        guard let path, wantsWriting, (try? DurableFile.replace(path, with: boot)) != nil else { return }
        state.withLock { $0.isWritten = true }
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
