@testable import Desk
import Testing

@Suite struct JapaneseEncodingTests {
    @Test("A byte that no encoding has is shown as such, and what follows it is read")
    func encodings() {
        let bytes: [UInt8] = [0x41, 0xFF, 0x42]
        for encoding in JapaneseEncoding.allCases { #expect(encoding.text(bytes[...]) == "A\u{FFFD}B", "\(encoding)") }
        #expect(JapaneseEncoding.shiftJIS.bytes("A\u{1F600}") == nil)
    }
}
