@testable import Desk
import Testing

@Suite("The JSON of tokens, before anything interprets it")
struct TokenJSONTests {
    private func isRead(_ text: String) -> Bool { TokenJSON(Array(text.utf8)) != nil }

    @Test("No control character stands in a string, as itself or escaped, of C0, DEL or C1; what lies beside them may")
    func controls() {
        for value in [0x00, 0x0A, 0x1F, 0x7F, 0x80, 0x85, 0x9F] as [UInt32] {
            let scalar = Unicode.Scalar(value).map(Character.init) ?? " "
            #expect(!isRead("{\"a\":\"x\(scalar)\"}"), "\(value)")
            let escaped = String(value, radix: 16)
            #expect(
                !isRead("{\"a\":\"x\\u\(String(repeating: "0", count: 4 - escaped.count))\(escaped)\"}"), "\(value)")
        }
        for scalar in [" ", "~", "\u{A0}", "図", "\u{10FFFF}"] { #expect(isRead("{\"a\":\"x\(scalar)\"}"), "\(scalar)") }
    }

    @Test("Four deep and no deeper; each member once; nothing before or after the object but blanks")
    func form() {
        #expect(isRead(#"{"a":{"b":{"c":{}}}}"#) && !isRead(#"{"a":{"b":{"c":{"d":{}}}}}"#))
        #expect(!isRead(#"{"a":1,"a":1}"#) && isRead(#"{"a":1,"b":{"a":1}}"#))
        #expect(isRead("\r\n{\t\"a\"\r:\n1\t}\r\n") && !isRead("\u{0B}{}") && !isRead("{}\u{0C}"))
        #expect(isRead(" { \"a\" : 1 } ") && !isRead("{}x") && !isRead("x{}") && !isRead("[]") && !isRead(""))
        #expect(!isRead(#"{"a":}"#) && !isRead(#"{"a" 1}"#) && !isRead(#"{"a":1,}"#) && !isRead(#"{"a":"x}"#))
    }
}
