internal import HTTPClient
package import Trust

/// `kazashi crl import`: the lists of a file, a pipe or a URL, into a store.
package struct ListImport: Sendable {
    package let store: RevocationStore
    /// The issuers under one of which each list must be signed.
    package let issuers: TrustAnchors
    /// What no list may lie ahead of.
    package let clock: TrustedTime

    package init(store: RevocationStore, issuers: TrustAnchors, clock: TrustedTime) {
        (self.store, self.issuers, self.clock) = (store, issuers, clock)
    }

    /// - Parameters:
    ///   - source: a path, an HTTP(S) URL, or `-` for standard input.
    ///   - progress: told of the bytes so far, and of all where that is known.
    /// - Throws: whatever `ListWords` has words for.
    package func run(
        _ source: String, progress: @escaping @Sendable (_ taken: Int, _ of: Int?) -> Void = { _, _ in }
    ) async throws -> [RevocationStore.Taken] {
        var lists: [UnverifiedRevocationList] = []
        if source.hasPrefix("https://") || source.hasPrefix("http://") {
            let download = ListDownload(client: CurlClient(), scratch: store.scratch)
            if case .lists(let fetched, _) = try await download.run(source, progress: progress) { lists = fetched }
        } else {
            lists = try readLists(source, scratch: store.scratch, progress: progress)
        }
        let authorities = ListAuthorities(issuers.certificates)
        return try lists.map { try store.take($0, authorities: authorities, clock: clock) }
    }
}
