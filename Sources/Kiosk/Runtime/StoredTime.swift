internal import Trust

/// The time stored every ten minutes: a board without a battery clock never starts earlier than it stopped.
struct StoredTime {
    private let path: String

    init(state: String) { path = state + "/time" }

    /// Seconds since 1970; nil when there is none, or it is no number.
    var value: Int64? {
        readFile(path).flatMap { Int64(String(decoding: $0, as: UTF8.self).prefix { $0.isNumber }) }
    }

    /// False when it could not be stored.
    func store(_ seconds: Int64) -> Bool {
        (try? StoreFile.replace(path, with: Array("\(seconds)\n".utf8))) != nil
    }
}
