import Testing

@testable import Settings

@Suite struct KeyPlaceTests {
    private static let text = """
        # id = "commented"
        [kiosk]  # the kiosk
          id = "a"
        [[library]]
        url = "1"
        name = "central"
        [[library]]
        name = "branch.east"
        url="2"

        [ panel ]
        """

    @Test(
        "A key's line, or its table's where the key is missing",
        arguments: [
            ("kiosk.id", 3), ("kiosk.state", 2), ("library.central.url", 5), ("library.branch.east.url", 9),
            ("library.branch.east.ca", 7), ("library.name", 6), ("library[0].url", 5), ("library[1].url", 9),
            ("library[2].url", nil), ("panel.display", 11), ("panel", 11),
            ("trust.test", nil),
            ("trust", nil), ("kiosk.id, kiosk.other", 3), ("", nil),
        ] as [(String, Int?)])
    func line(path: String, line: Int?) { #expect(KeyPlace(path)?.line(in: Self.text) == line) }

    @Test("As Windows ends lines, and in a file without a table")
    func others() {
        let text = Self.text.replacing("\n", with: "\r\n")
        #expect(KeyPlace("library.branch.east.url")?.line(in: text) == 9)
        #expect(KeyPlace("kiosk.id")?.line(in: "x = 1\nkiosk = 2") == 2)
    }
}
