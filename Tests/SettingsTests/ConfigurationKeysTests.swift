import Foundation
import Testing

@testable import Settings

/// The decoder, the document and the file that is installed have the same keys.
@Suite struct ConfigurationKeysTests {
    private static func text(of path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// With the keys that are shown as comments: `# key = value`.
    private static func uncommented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.prefixMatch(of: #/# \w+ = /#) == nil ? line : line.dropFirst(2)
        }.joined(separator: "\n")
    }

    /// Keys that the decoder takes and `value` has not.
    private static func missing(in value: Any, _ path: String = "") -> [String] {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.map { missing(in: $0.value, path) } ?? [path]
        case .collection: return mirror.children.first.map { missing(in: $0.value, path) } ?? []
        case .struct where value is any Decodable && !(value is String):
            return mirror.children.flatMap { missing(in: $0.value, path + "." + ($0.label ?? "?")) }
        default: return []
        }
    }

    @Test("operate.md shows every key that the decoder takes, and no other")
    func documented() throws {
        let document = try Self.text(of: "board/docs/operate.md")
        let block = try #require(document.components(separatedBy: "```toml\n").dropFirst().first)
            .components(separatedBy: "```")[0]
        let written = try ConfigurationFile.parse(Self.uncommented(block), file: "operate.md")
        #expect(Self.missing(in: written) == [])
        // The walk sees what is not there.
        let short = block.replacingOccurrences(of: "min_gap", with: "#min_gap")
        #expect(Self.missing(in: try ConfigurationFile.parse(Self.uncommented(short), file: "")) == [".kiosk.min_gap"])
    }

    @Test(
        "The files that are installed have keys of the decoder only, those that are commented out too",
        arguments: ["systemd/kazashi.toml", "board/appliance/kazashi-template.toml"])
    func installed(file: String) throws {
        _ = try ConfigurationFile.parse(Self.uncommented(Self.text(of: file)), file: file)
    }

    @Test("A key that does not exist is found, in either")
    func unknown() throws {
        let text = try Self.text(of: "systemd/kazashi.toml") + "\n# no_such_key = 1\n"
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.parse(Self.uncommented(text), file: "kazashi.toml")
        }
    }
}
