import Foundation
import LoginSpace
import Testing

@Suite struct DiagramTests {
    @Test("The README's diagram is the one that the code draws")
    func readme() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        #expect(readme.contains(Diagram.mermaid()), "run kazashi-lab diagram and put it into the README")
    }
}
