internal import Clock

/// Files with a list that lies ahead of the clock: they are taken when that list's time has come, and not read again and
/// again before.
package struct EarlyFiles {
    private var files: [String: (version: SourceMemory.File, until: Int64)] = [:]

    package init() {}

    /// - Parameter thisUpdate: of the first of its lists that lies ahead, seconds since 1970.
    package mutating func note(_ file: String, _ version: SourceMemory.File, thisUpdate: Int64) {
        let (until, overflow) = thisUpdate.subtractingReportingOverflow(IssueTime.tolerance)
        files[file] = (version, overflow ? thisUpdate : until)
    }

    /// Whether there is no use in reading it yet.
    /// - Parameter now: the believed clock's; nil: none is believed, and nothing lies ahead of it.
    package func isEarly(_ file: String, _ version: SourceMemory.File, at now: Int64?) -> Bool {
        guard let early = files[file], early.version == version, let now else { return false }
        return now < early.until
    }

    mutating func forgetAll() { files = [:] }
    mutating func forgetGone() { files = files.filter { SourceMemory.File($0.key) != nil } }
}
