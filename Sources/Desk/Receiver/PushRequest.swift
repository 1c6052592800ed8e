/// A request of HTTP/1.1 as a desk takes it (RFC 9112), and nothing that two readers could read differently: one
/// Content-Length, no Transfer-Encoding, no folded line.
struct PushRequest: Equatable, Sendable {
    let method: String
    let target: String
    let contentType: String?
    let body: [UInt8]
    /// Whether another one may follow on the connection.
    let keepsAlive: Bool

    /// What a head may have, in bytes.
    static let mostHead = 8_192

    enum Reading: Equatable, Sendable {
        case incomplete
        /// With the bytes that it took.
        case complete(PushRequest, count: Int)
        /// None that is taken: where the next one would begin is not known.
        case refused
    }

    /// Reads one request off the front of `bytes`.
    /// - Parameter mostBody: what its body may have, in bytes.
    static func read(_ bytes: [UInt8], mostBody: Int) -> Reading {
        guard let end = headEnd(bytes.prefix(mostHead)) else { return bytes.count < mostHead ? .incomplete : .refused }
        guard let head = Head(bytes[..<end]) else { return .refused }  // safe: where the head ends
        let start = end + 4
        let length: Int
        switch head.values["content-length", default: []] {
        case [] where head.method != "POST": length = 0
        case let values:
            guard values.count == 1, let text = values.first, (1...4).contains(text.utf8.count),
                // safe: four digits at the most; nil where it is none
                text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let count = Int(text),
                count <= mostBody
            else { return .refused }
            length = count
        }
        guard bytes.count >= start + length else { return .incomplete }
        let types = head.values["content-type", default: []]
        let request = PushRequest(
            method: head.method, target: head.target, contentType: types.count == 1 ? types.first : nil,
            body: Array(bytes[start..<(start + length)]),  // safe: so many were there
            keepsAlive: head.isOfToday
                && !head.values["connection", default: []].contains { $0.lowercased().contains("close") })
        return .complete(request, count: start + length)
    }

    /// Where the empty line begins.
    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.first { index in
            // safe: one of its own indices
            bytes[index] == 0x0D && bytes[index...].prefix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A])
        }
    }

    private struct Head {
        let method, target: String
        /// HTTP/1.1, not 1.0.
        let isOfToday: Bool
        /// By names in small letters.
        private(set) var values: [String: [String]] = [:]

        init?(_ bytes: ArraySlice<UInt8>) {
            var lines = String(decoding: bytes, as: UTF8.self).split(
                separator: "\r\n", omittingEmptySubsequences: false)[...]
            guard let words = lines.popFirst()?.split(separator: " ", omittingEmptySubsequences: false),
                words.count == 3, let method = words.first, let target = words.dropFirst().first,
                let version = words.last,
                ["HTTP/1.1", "HTTP/1.0"].contains(version)
            else { return nil }
            (self.method, self.target, isOfToday) = (String(method), String(target), version == "HTTP/1.1")
            for line in lines {
                // Printable ASCII and tabs; a name has no blank, so that neither is a line folded (RFC 9112 5.2).
                guard line.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x09 }),
                    let colon = line.firstIndex(of: ":"), colon != line.startIndex,
                    line[..<colon].utf8.allSatisfy({ $0 > 0x20 })  // safe: a place in it
                else { return nil }
                // safe: behind a place in it
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                let end = value.lastIndex { $0 != " " && $0 != "\t" }
                // safe: places in them
                values[line[..<colon].lowercased(), default: []].append(end.map { String(value[...$0]) } ?? "")
            }
            guard values["transfer-encoding"] == nil else { return nil }
        }
    }
}
