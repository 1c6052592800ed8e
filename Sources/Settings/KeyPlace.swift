/// Where a key stands in a file, for whoever has to mend it. The parser does not tell.
struct KeyPlace {
    private let table: Substring
    /// Of tables with one header: `name` of the one that is meant, or which of them.
    private let name: Substring?
    private let index: Int
    private let key: Substring

    /// - Parameter path: as an error names it: `kiosk.id`, `library.central.url`, `library[0].url`, `library.name`, or a table's
    ///   name.
    init?(_ path: String) {
        let path = path.prefix { $0 != "," }
        let parts = path.split(separator: ".")
        guard let first = parts.first, let last = parts.last else { return nil }
        table = first.prefix { $0 != "[" }
        key = last.prefix { $0 != "[" }
        // A key may be called anything.
        index = max(0, Int(first.drop { $0 != "[" }.dropFirst().dropLast()) ?? 0)
        name = parts.count > 2 ? path.dropFirst(first.count + 1).dropLast(last.count + 1) : nil
    }

    /// The key's line, counted from 1; its table's where it is missing; nil where that is, too.
    func line(in text: String) -> Int? {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
            line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
        }
        let starts = lines.indices.filter { lines[$0].hasPrefix("[") } + [lines.endIndex]
        let tables = zip(starts, starts.dropFirst()).map { $0..<$1 }.filter { range in
            let header = lines[range.lowerBound]
            return header == "[\(table)]" || header == "[[\(table)]]"
        }
        let meant = tables.filter { range in name.map { lines[range].contains("name=\"\($0)\"") } ?? true }
            .dropFirst(index).first
        guard let meant else {
            // A table that has another form, or none.
            return lines.firstIndex { $0.hasPrefix(table + "=") }.map { $0 + 1 }
        }
        return (lines[meant].firstIndex { $0.hasPrefix(key + "=") } ?? meant.lowerBound) + 1
    }
}
