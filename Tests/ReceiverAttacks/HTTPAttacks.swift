import Announcement
import Foundation
import Glibc
import JOSE
import SecurityEvents
import Testing

/// Requests that carry a good token, and are good but for one thing: whoever takes one of them can be made to read what
/// another reader does not.
package struct HTTPAttacks {
    package let token: () throws -> [UInt8]

    package init(token: @escaping () throws -> [UInt8]) { self.token = token }

    package static func request(
        _ token: [UInt8], line: String = "POST /events HTTP/1.1", headers: [String]? = nil, length: String? = nil
    ) -> [UInt8] {
        let headers =
            headers ?? [
                "Host: desk", "Content-Type: application/secevent+jwt", "Content-Length: \(length ?? "\(token.count)")",
                "Connection: close",
            ]
        return Array("\(([line] + headers).joined(separator: "\r\n"))\r\n\r\n".utf8) + token
    }

    package func all() throws -> [(name: String, bytes: [UInt8])] {
        let type = "Content-Type: application/secevent+jwt"
        func length(_ texts: String...) throws -> [UInt8] {
            Self.request(try token(), headers: ["Host: desk", type] + texts.map { "Content-Length: \($0)" })
        }
        /// The token's own length, and more.
        func with(_ headers: (Int) -> [String]) throws -> [UInt8] {
            let token = try token()
            return Self.request(token, headers: headers(token.count))
        }
        func line(_ line: String) throws -> [UInt8] { Self.request(try token(), line: line) }
        let chunk = { (token: [UInt8]) in
            Array("\(String(token.count, radix: 16))\r\n".utf8) + token + Array("\r\n0\r\n\r\n".utf8)
        }
        return [
            ("no length", try length()), ("a length of -1", try length("-1")), ("a length of +5", try length("+5")),
            ("an empty length", try length("")), ("a length of 1e3", try length("1e3")),
            ("a length in hexadecimal", try length("0x5")), ("a length in fullwidth digits", try length("５")),
            ("a length of 30 digits", try length("9" + String(repeating: "0", count: 29))),
            ("a length of 64 bits", try length("18446744073709551615")), ("a byte too many", try length("1453")),
            ("a length that says null", try length("null")), ("a length with a blank", try length("1 2")),
            ("two lengths", try with { [type, "Content-Length: \($0)", "Content-Length: \($0)"] }),
            ("two different lengths", try with { [type, "Content-Length: 5", "Content-Length: \($0)"] }),
            ("two lengths the other way round", try with { [type, "Content-Length: \($0)", "Content-Length: 5"] }),
            ("a list of lengths", try with { [type, "Content-Length: \($0), \($0)"] }),
            ("a body in chunks", Self.request(chunk(try token()), headers: [type, "Transfer-Encoding: chunked"])),
            ("chunks and a length", try with { [type, "Content-Length: \($0)", "Transfer-Encoding: chunked"] }),
            (
                "an endless chunk",
                Self.request(Array("FFFFFFFFFFFFFFFF\r\n".utf8), headers: [type, "Transfer-Encoding: chunked"])
            ),
            ("another coding and a length", try with { [type, "Content-Length: \($0)", "Transfer-Encoding: gzip"] }),
            ("no type", try with { ["Content-Length: \($0)"] }),
            ("two types", try with { [type, type, "Content-Length: \($0)"] }),
            ("another type", try with { ["Content-Type: application/json", "Content-Length: \($0)"] }),
            ("a line that is no header", try with { ["hello", type, "Content-Length: \($0)"] }),
            ("a blank before the colon", try with { [type, "Content-Length : \($0)"] }),
            ("GET", try line("GET /events HTTP/1.1")), ("no version", try line("POST /events")),
            ("an older version", try line("POST /events HTTP/0.9")),
            ("a version of many digits", try line("POST /events HTTP/1.11111111111")),
            ("HTTP/2", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)),
            ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0D, 0x0A, 0x0D, 0x0A]),
            ("an empty line", try line("")), ("a line of blanks", try line("     ")),
            ("zeros", [UInt8](repeating: 0, count: 64) + Array("\r\n\r\n".utf8)),
            (
                "a header of 10,000 characters",
                try with { ["X: " + String(repeating: "x", count: 10_000), type, "Content-Length: \($0)"] }
            ),
            (
                "a header of 1 MiB",
                try with { ["X: " + String(repeating: "x", count: 1 << 20), type, "Content-Length: \($0)"] }
            ),
            ("a first line of 1 MiB", try line("POST /" + String(repeating: "x", count: 1 << 20) + " HTTP/1.1")),
            ("2,000 headers", try with { (0..<2_000).map { "X-\($0): x" } + [type, "Content-Length: \($0)"] }),
            ("less than it says", Self.request(Array(try token().dropLast()), length: "\(try token().count)")),
        ]
    }

    /// Each is refused or hung up on, and a kiosk is served after it, and while slow connections are held.
    package func prove(on port: UInt16, _ site: Site, keepsConnections: Bool) async throws {
        for (name, bytes) in try all() {
            let connection = try RawConnection(port: port)
            connection.send(bytes)
            connection.finish()
            let answer = try #require(await connection.answer(), "\(name): neither answered nor hung up on")
            let isRefused = answer.isEmpty || answer.wholeMatch(of: /HTTP\/1\.[01] 4\d\d (?s:.*)/) != nil
            let isUnknown = answer.hasPrefix("HTTP/1.1 501 ") || answer.hasPrefix("HTTP/1.1 505 ")
            #expect(isRefused || isUnknown, "\(name): \(answer.prefix(200))")
        }
        let url = "http://127.0.0.1:\(port)/events"
        func served(_ comment: Comment) async throws {
            let sender = site.transmitter(.loopback(url: url))
            let token = try await sender.seal(Site.event, jti: TokenID(), toe: Int64(time(nil)))
            #expect(await sender.push(token, deadline: .now + .seconds(10)) == .acknowledged, comment)
        }
        try await served("after the attacks")

        // More connections than there may be, each with the beginning of a request; some with nothing at all.
        let slow = try (0..<100).map { index in
            let connection = try RawConnection(port: port)
            if index % 2 == 0 { connection.send(Array("POST /events HTTP/1.1\r\nX: ".utf8)) }
            return connection
        }
        try await served("while slow connections are held")
        // The time is a request's, not a byte's: sixty seconds' worth of bytes is not waited for.
        let dripping = try RawConnection(port: port)
        #expect(
            await dripping.drip(Array("POST /events HTTP/1.1\r\n".utf8) + [UInt8](repeating: 0x61, count: 280)) < 290)
        for connection in slow {
            try #require(await connection.answer() != nil, "a slow one is never hung up on")
        }

        // Two requests in one piece: each is answered as its own, or the first one alone.
        let both = try RawConnection(port: port)
        let kept = [
            "Content-Type: application/secevent+jwt", "Content-Length: ",
        ]
        let pieces = try [token(), token()].map {
            HTTPAttacks.request($0, headers: [kept[0], kept[1] + "\($0.count)"])
        }
        both.send(pieces[0] + pieces[1])
        both.finish()
        let answers = try #require(await both.answer()).components(separatedBy: "HTTP/1.1 202").count - 1
        #expect(answers == (keepsConnections ? 2 : 1))
        try await served("at the end")
    }
}
