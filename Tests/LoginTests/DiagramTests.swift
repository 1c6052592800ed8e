import Foundation
import LoginSpace
import Testing

@Suite struct DiagramTests {
    @Test("The diagram of design.md is the one that the code draws")
    func readme() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let design = try String(contentsOf: root.appending(path: "board/docs/design.md"), encoding: .utf8)
        #expect(design.contains(Diagram.mermaid()), "run kazashi-lab diagram and put it into design.md")
    }
}
