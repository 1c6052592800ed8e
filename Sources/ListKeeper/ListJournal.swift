internal import Logging
internal import Revocation
internal import Service

/// What the keeper of lists writes into the journal about its sources.
struct ListJournal: Sendable {
    let log: Logger
    private static let mostComplaints = 8

    func note(_ lists: [RevocationStore.Taken], from source: String) {
        for list in lists where list.isNew {
            log.info(
                "revocation list taken",
                metadata: [
                    "source": "\(source)", "entries": "\(list.entries)", "next_update": "\(list.nextUpdate)",
                    "delta": "\(list.isDelta)",
                ])
        }
    }

    /// Says what became of lists that were not taken, each by its place in the source.
    /// - Parameter failure: why no more of the source was read.
    /// - Returns: false when nothing is wrong.
    func complain(_ report: StoreIntake.Report, _ failure: (any Error)?, source: String) -> Bool {
        let refused = report.outcomes.filter { $0.failure != nil }
        for outcome in refused.prefix(Self.mostComplaints) {
            guard let error = outcome.failure else { continue }
            complain(error, file: source, list: report.outcomes.count > 1 ? outcome.position : nil)
        }
        let more = refused.count - min(refused.count, Self.mostComplaints) + report.moreRefused
        if more > 0 { log.warning("more CRLs rejected", metadata: ["source": "\(source)", "count": "\(more)"]) }
        if let failure = report.unsaid(failure) { complain(failure, file: source) }
        return failure != nil || !refused.isEmpty
    }

    func complain(_ error: any Error, file: String, list: Int? = nil) {
        let words = ListWords(error)
        var more: Logger.Metadata = ["source": "\(file)", "reason": "\(words.reason)"]
        if let list { more["list"] = "\(list)" }
        log.warning("CRL rejected", metadata: Logger.words(words.fault, more))
    }

    /// A URL without what may be secret in it.
    static func nameable(_ url: String) -> String {
        let bare = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = bare.firstRange(of: "://") else { return String(bare) }
        let rest = bare[scheme.upperBound...]  // safe: a place in it
        let host = rest.prefix { $0 != "/" }
        guard let at = host.lastIndex(of: "@") else { return String(bare) }
        return String(bare[..<scheme.upperBound] + rest[rest.index(after: at)...])  // safe: places in them
    }
}
