@testable import ListKeeper
import Testing

/// What the journal says of a list's source.
@Suite struct ListJournalTests {
    @Test(
        "A URL is named without its user, its query and its fragment",
        arguments: [
            ("https://user:word@ca.example/a.crl?key=1#part", "https://ca.example/a.crl"),
            ("https://ca.example/a.crl#part", "https://ca.example/a.crl"),
            ("https://ca.example/a@b.crl", "https://ca.example/a@b.crl"), ("nothing", "nothing"),
        ])
    func nameable(url: String, name: String) { #expect(ListJournal.nameable(url) == name) }
}
