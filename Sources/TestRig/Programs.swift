internal import Foundation
internal import Glibc

/// Where this package's programs were built, and where we run.
package enum Programs {
    package static var folder: String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    package static var kazashi: String { folder + "/kazashi" }
    package static var laboratory: String { folder + "/kazashi-lab" }

    /// True inside the private network and mount namespaces that `board/private` makes.
    package static var isInPrivateNamespace: Bool { ProcessInfo.processInfo.environment["KAZASHI_NAMESPACE"] == "1" }
}
