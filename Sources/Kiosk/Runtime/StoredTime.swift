internal import Files

/// The time stored last: a board without a battery clock never starts earlier than it stopped.
package struct StoredTime {
    private let path: String

    package init(state: String) { path = Self.path(in: state) }

    static func path(in state: String) -> String { state + "/time" }

    /// Seconds since 1970; nil when there is none, or it is no number.
    package var value: Int64? {
        readFile(path).flatMap { Int64(String(decoding: $0, as: UTF8.self).prefix { $0.isNumber }) }
    }
}
