internal import Announcement
package import Registry

/// What a kiosk holds under one library's name.
package struct LibraryHoldings: Sendable, Equatable {
    package let name: String
    /// Registrations that name it.
    package let registrations: Int
    /// Events that it is owed.
    package let owed: Int
}

extension KioskDatabase {
    /// What is held under each library's name, also under names that the configuration has no longer.
    /// - Throws: `RegistryError`.
    package func holdings() async throws(RegistryError) -> [LibraryHoldings] {
        var registrations: [String: Int] = [:]
        for name in try await self.registrations.list().flatMap(\.libraries) {
            registrations[name, default: 0] += 1  // safe: a dictionary
        }
        let (owed, remembered) = (try await pending(), try await remembered())
        return Set(registrations.keys).union(owed.keys).union(remembered).sorted().map { name in
            LibraryHoldings(name: name, registrations: registrations[name] ?? 0, owed: owed[name] ?? 0)
        }
    }

    /// A library has another name now: its registrations and what it is owed go over to it, or nothing does. It is the same
    /// library, so nobody is owed word of that.
    /// - Returns: how much went over.
    /// - Throws: `libraryTaken` where a registration names both.
    package func rename(_ old: String, to new: String) async throws(RegistryError) -> LibraryHoldings {
        let owed = try await pending()[old] ?? 0
        let count = try await registrations.renameLibrary(old, to: new) { [outbox] db in
            try outbox.rename(old, to: new, in: db)
        }
        return LibraryHoldings(name: new, registrations: count, owed: owed)
    }

    /// Drops what a library is owed.
    /// - Returns: how many events.
    package func dropOwed(to library: String) async throws(RegistryError) -> Int {
        do {
            return try await outbox.drop(library)
        } catch {
            throw RegistryError(.unavailable)
        }
    }

    private func remembered() async throws(RegistryError) -> Set<String> {
        do {
            return try await outbox.remembered()
        } catch {
            throw RegistryError(.unavailable)
        }
    }

    private func pending() async throws(RegistryError) -> [String: Int] {
        do {
            return try await outbox.depth()
        } catch {
            throw RegistryError(.unavailable)
        }
    }
}
