/// Changes JSON text by its values: one becomes deep, long, large, another kind, or comes twice.
package let jsonMutation: Mutation = { input, random, most in
    let values = valueRanges(in: input)
    guard !values.isEmpty else { return Array(#"{"iss":"a","jti":"b"}"#.utf8) }
    let range = values[random.below(values.count)]
    let value = Array(input[range])
    let count = random.size(most / 8)
    func repeated(_ text: String, _ count: Int) -> [UInt8] {
        Array(repeatElement(Array(text.utf8), count: count).joined())
    }
    let new: [UInt8] =
        switch random.below(9) {
        case 0: repeated("[", count) + value + (random.below(4) == 0 ? [] : repeated("]", count))
        case 1: repeated(#"{"a":"#, count) + value + (random.below(4) == 0 ? [] : repeated("}", count))
        case 2: Array("\"".utf8) + repeated(#"\u0130"#, count) + Array("\"".utf8)
        case 3: repeated("9", count) + Array(random.below(2) == 0 ? "e9999".utf8 : ".5e-400".utf8)
        case 4:
            Array("[".utf8) + value + repeated("," + String(decoding: value, as: UTF8.self), random.size(2_000))
                + Array("]".utf8)
        case 5:
            Array("{".utf8) + (0..<random.size(2_000)).flatMap { Array("\"k\($0)\":0,".utf8) } + Array("\"z\":0}".utf8)
        case 6:
            Array(
                ["null", "true", "-0", "1e308", "18446744073709551616", "-9223372036854775809", "[]", "{}", "\"\""][
                    random.below(9)
                ].utf8)
        case 7: value + Array(",".utf8) + value
        default: []
        }
    return Array((Array(input[..<range.lowerBound]) + new + Array(input[range.upperBound...])).prefix(most))
}

/// Where values, or what looks like them, lie: strings, numbers and words, whole objects and arrays, and everything.
private func valueRanges(in text: [UInt8]) -> [Range<Int>] {
    var ranges = text.isEmpty ? [] : [0..<text.count]
    var (open, index) = ([Int](), 0)
    while index < text.count, ranges.count < 1_000 {
        let start = index
        index += 1
        switch text[start] {
        case UInt8(ascii: "\""):
            while index < text.count, text[index] != UInt8(ascii: "\"") {
                index += text[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            index = min(index + 1, text.count)
            ranges.append(start..<index)
        case UInt8(ascii: "{"), UInt8(ascii: "["): open.append(start)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): if let start = open.popLast() { ranges.append(start..<index) }
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            while index < text.count, ![0x2C, 0x7D, 0x5D, 0x20, 0x0A].contains(text[index]) { index += 1 }
            ranges.append(start..<index)
        default: break
        }
    }
    return ranges
}
