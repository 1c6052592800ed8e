package import Certificates
package import Clock
internal import HTTPClient
package import Revocation

/// `kazashi crl import`: the lists of a file, a pipe or a URL, into a store.
package struct ListImport: Sendable {
    package let store: RevocationStore
    /// The issuers under one of which each list must be signed.
    package let issuers: TrustAnchors
    /// A believed clock's time, which no list may lie ahead of; nil while none is believed.
    package let clock: @Sendable () -> TrustedTime?

    package init(store: RevocationStore, issuers: TrustAnchors, clock: @escaping @Sendable () -> TrustedTime?) {
        (self.store, self.issuers, self.clock) = (store, issuers, clock)
    }

    /// What became of a source's lists, and why no more of it was read, where that is so.
    package struct Answer: Sendable {
        package let report: StoreIntake.Report
        /// Whatever `ListWords` has words for.
        package let failure: (any Error)?
    }

    /// - Parameters:
    ///   - source: a path, an HTTP(S) URL, or `-` for standard input.
    ///   - progress: told of the bytes so far, and of all where that is known.
    package func run(
        _ source: String, progress: @escaping @Sendable (_ taken: Int, _ of: Int?) -> Void = { _, _ in }
    ) async -> Answer {
        let isURL = source.hasPrefix("https://") || source.hasPrefix("http://")
        let intake = StoreIntake(
            store: store, authorities: ListAuthorities(issuers.certificates), clock: clock,
            stopsAtUnsigned: isURL)
        intake.begin()
        var failure: (any Error)?
        do {
            if isURL {
                let download = ListDownload(client: CurlClient(), scratch: store.scratch)
                _ = try await download.run(source, progress: progress, restart: intake.restart, each: intake.take)
            } else {
                try readLists(source, scratch: store.scratch, progress: progress, each: intake.take)
            }
        } catch {
            failure = error
        }
        let report = intake.finish().last ?? StoreIntake.Report()
        return Answer(report: report, failure: report.unsaid(failure))
    }
}
