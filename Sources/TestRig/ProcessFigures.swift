internal import Foundation

/// What a process holds, as the kernel tells it.
package struct ProcessFigures: Sendable, CustomStringConvertible {
    package let threads: Int
    package let descriptors: Int
    /// VmRSS and RssAnon.
    package let residentKiB: Int
    package let anonymousKiB: Int

    package init(pid: Int32) throws {
        guard let status = readText("/proc/\(pid)/status") else {
            throw ChildProcess.Failed(description: "no process \(pid)")
        }
        threads = Self.number("Threads", in: status)
        residentKiB = Self.number("VmRSS", in: status)
        anonymousKiB = Self.number("RssAnon", in: status)
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// How often its threads have gone to sleep, and so will have been woken, since they began (voluntary_ctxt_switches).
    package static func wakeUps(pid: Int32) throws -> Int {
        let tasks = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).reduce(0) { sum, task in
            // A thread may have ended since.
            sum + number("voluntary_ctxt_switches", in: readText("\(tasks)/\(task)/status") ?? "")
        }
    }

    private static func number(_ key: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    package var description: String {
        "\(threads) threads, \(descriptors) descriptors, VmRSS \(residentKiB) KiB, RssAnon \(anonymousKiB) KiB"
    }
}
