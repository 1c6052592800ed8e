internal import Glibc

/// What the disk refused: where, and the system's number. It names paths and nothing of what is in them.
package struct FilesError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case unreadable
        case unwritable
        /// Another process holds the folder.
        case held
    }
    package let code: Code
    package let path: String
    /// errno(3) as it was then; 0 where the system said nothing.
    package let errno: Int32

    package init(_ code: Code, _ path: String, errno: Int32 = Glibc.errno) {
        (self.code, self.path, self.errno) = (code, path, errno)
    }

    package var description: String {
        let why = errno == 0 ? "" : " (\(String(cString: strerror(errno))))"
        return switch code {
        case .unreadable: "\(path) cannot be read\(why)"
        case .unwritable: "\(path) cannot be written\(why)"
        case .held: "another process holds \(path)"
        }
    }
}

/// What the system last said, in its words.
package func systemError() -> String { String(cString: strerror(errno)) }
