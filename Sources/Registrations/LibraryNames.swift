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
        let owed = try await owed { outbox throws(OutboxError) in try await outbox.depth() }
        let remembered = try await self.owed { outbox throws(OutboxError) in try await outbox.remembered() }
        return Set(registrations.keys).union(owed.keys).union(remembered).sorted().map { name in
            LibraryHoldings(name: name, registrations: registrations[name] ?? 0, owed: owed[name] ?? 0)
        }
    }

    /// A library has another name now: its registrations and what it is owed go over to it, or nothing does. It is the same
    /// library, so nobody is owed word of that.
    /// - Returns: how much went over.
    /// - Throws: `libraryTaken` where a registration names both.
    package func rename(_ old: String, to new: String) async throws(RegistryError) -> LibraryHoldings {
        let owed = try await owed { outbox throws(OutboxError) in try await outbox.depth() }[old] ?? 0
        let count = try await registrations.renameLibrary(old, to: new) { [outbox] db in
            try outbox.rename(old, to: new, in: db)
        }
        return LibraryHoldings(name: new, registrations: count, owed: owed)
    }

    /// Drops what a library is owed.
    /// - Returns: how many events.
    package func dropOwed(to library: String) async throws(RegistryError) -> Int {
        try await owed { outbox throws(OutboxError) in try await outbox.drop(library) }
    }

    private func owed<Value>(_ body: (Outbox) async throws(OutboxError) -> Value) async throws(RegistryError) -> Value {
        do {
            return try await body(outbox)
        } catch {
            throw RegistryError(.unavailable)
        }
    }
}
