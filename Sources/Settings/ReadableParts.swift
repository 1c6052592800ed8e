internal import TOMLKit

/// What can still be read of a configuration that can't be used: enough to say so on the panel, the status socket and in
/// the metrics. Each table is read by itself, so that a slip in one does not hide the others.
package struct ReadableParts: Sendable {
    /// Nil where `[panel]`, or the language, can't be read.
    package let panel: PanelOptions?
    package let kioskID: String?
    package let statusSocket: String
    package let metricsFile: String?
    package let board: BoardOptions?

    /// - Parameters:
    ///   - file: kazashi.toml; it need not be there.
    ///   - setup: what the image found. Where its own settings serve, the technician's say what display there is.
    ///   - unusable: these settings; they need not be there.
    package init(file: String, setup: SetupOutcome? = nil, unusable: String = SetupOutcome.unusable) {
        let reader = ConfigurationReader(file: file)
        let text = (try? reader.text()) ?? ""
        let kiosk = Self.table("kiosk", in: text)
        let panel: ConfigurationFile.Panel? = Self.table("panel", in: text).flatMap {
            try? TOMLDecoder(strictDecoding: true).decode(ConfigurationFile.Panel.self, from: $0)
        }
        let isTest = Self.table("trust", in: text)?["test"]?.bool ?? false
        let written = panel.flatMap {
            try? reader.panel($0, language: kiosk?["language"]?.string ?? "ja", isTest: isTest)
        }
        self.panel =
            setup?.result == SetupOutcome.Result.none ? ReadableParts(file: unusable).panel ?? written : written
        let board: ConfigurationFile.Board? = Self.table("board", in: text).flatMap {
            try? TOMLDecoder(strictDecoding: true).decode(ConfigurationFile.Board.self, from: $0)
        }
        kioskID = kiosk?["id"]?.string
        let service = Self.table("service", in: text)
        statusSocket = reader.statusSocket(service?["status"]?.string)
        let metrics = (service?["metrics"]?.string).map(reader.resolve)
        metricsFile = metrics
        self.board = board.flatMap { try? reader.board($0, metrics: metrics) }
    }

    /// The lines under a table's header, to the next header.
    private static func table(_ name: String, in text: String) -> TOMLTable? {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        func header(_ line: Substring) -> Substring? {
            let text = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
            return text.hasPrefix("[") && text.hasSuffix("]") && !text.contains("\"")
                ? text.dropFirst().dropLast() : nil
        }
        guard let start = lines.firstIndex(where: { header($0) == name[...] }) else { return nil }
        let body = lines[(start + 1)...].prefix { header($0) == nil }
        return try? TOMLTable(string: body.joined(separator: "\n"))
    }
}
