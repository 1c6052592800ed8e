import Foundation
import Pilot
import Settings
import Testing

/// A configuration that loads, and what becomes of it when a piece of its text is another.
struct ConfigurationFixture {
    /// Made once: its keys take longer than all that is tried with it. It lies in the system's temporary folder.
    private static let shared = Result {
        try PilotFolder(
            FileManager.default.temporaryDirectory.appending(path: "kazashi-config-\(UUID().uuidString)").path())
    }
    let folder: PilotFolder

    init() throws { folder = try Self.shared.get() }

    /// - Parameters:
    ///   - old: what is replaced in its text by `new`; empty: nothing.
    ///   - added: put at its end.
    func load(
        _ old: String = "", _ new: String = "", adding added: String = "", credentials: String? = nil,
        takesExposedSecrets: Bool = false
    ) throws -> Configuration {
        let text = try String(contentsOfFile: folder.configuration, encoding: .utf8)
        let changed = old.isEmpty ? text : text.replacingOccurrences(of: old, with: new)
        if !old.isEmpty { #expect(changed != text, "nothing was replaced") }
        let file = try folder.write("changed-\(UUID().uuidString).toml", Array((changed + added).utf8))
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try Configuration(file: file, credentials: credentials, takesExposedSecrets: takesExposedSecrets)
    }

    func failure(_ old: String, _ new: String) -> ConfigurationError? {
        do {
            _ = try load(old, new)
            return nil
        } catch {
            return error as? ConfigurationError
        }
    }
}
