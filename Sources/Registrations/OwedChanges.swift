internal import Announcement
internal import Cryptography
internal import Registry
internal import SecurityEvents

extension OwedEvent {
    /// What a change of a registration owes to libraries. Each learns of its own pseudonym only.
    /// - Parameters:
    ///   - former: names that stand in no configuration any more, and are owed word of changes still. A pseudonym is one
    ///     library's: where it goes from such a name to another one the library has a new name, and loses nobody.
    ///   - time: seconds since 1970; nil while none is believed.
    static func owed(
        from old: Registration?, to new: Registration?, libraries: Set<String>, former: Set<String>, platform: String,
        at time: Int64?
    ) throws -> [OwedEvent] {
        let named = Set(old.map { Array($0.ppids.keys) } ?? []).union(new.map { Array($0.ppids.keys) } ?? [])
        return try named.intersection(libraries.union(former)).sorted().compactMap { library in
            guard let (event, ppid) = change(of: library, from: old, to: new) else { return nil }
            if event == .removed, former.contains(library), new?.ppids.values.contains(ppid) == true { return nil }
            let subject = SubjectIdentifier(issuer: platform, subject: ppid.revealed)
            return try OwedEvent(library: library, event: .person(event, subject), toe: time)
        }
    }

    private static func change(of library: String, from old: Registration?, to new: Registration?)
        -> (PersonEvent, PPID)?
    {
        let before = old?.ppids[library]
        guard let new, let ppid = new.ppids[library] else { return before.map { (.removed, $0) } }
        guard let old, let before else { return (new.state == .active ? .registered : .suspended, ppid) }
        guard before == ppid else { return (.replaced(previous: before), ppid) }
        guard old.state == new.state else { return (new.state == .active ? .registered : .suspended, ppid) }
        let isSame = old.serviceIDs[library] == new.serviceIDs[library] && old.birthDate == new.birthDate
        return isSame ? nil : (.attributesChanged, ppid)
    }
}
