/// Changes a compact token (RFC 7515, RFC 7516) by the JSON in one of its parts, or by its parts.
package let tokenMutation: Mutation = { input, random, most in
    var parts = input.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
    let index = random.below(parts.count)
    switch random.below(6) {
    case 0: parts.insert(contentsOf: repeatElement(parts[index], count: random.size(2_000)), at: index)
    case 1: parts[index] = Array(repeatElement(UInt8(ascii: "A"), count: random.size(most)))
    default:
        // The header, as a rule: it is read before anything is verified.
        let index = random.below(3) == 0 ? index : 0
        let json = decode(parts[index])
        parts[index] = encode(jsonMutation(json.isEmpty ? Array("{}".utf8) : json, &random, most * 3 / 4))
    }
    return Array(parts.joined(separator: [UInt8(ascii: ".")]).prefix(most))
}

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

private func encode(_ bytes: [UInt8]) -> [UInt8] {
    var (text, buffer, bits) = ([UInt8](), 0, 0)
    for byte in bytes {
        (buffer, bits) = ((buffer << 8 | Int(byte)) & 0xFFFF, bits + 8)
        while bits >= 6 {
            bits -= 6
            text.append(alphabet[buffer >> bits & 63])
        }
    }
    if bits > 0 { text.append(alphabet[buffer << (6 - bits) & 63]) }
    return text
}

private func decode(_ text: [UInt8]) -> [UInt8] {
    var (bytes, buffer, bits) = ([UInt8](), 0, 0)
    for value in text.compactMap({ alphabet.firstIndex(of: $0) }) {
        (buffer, bits) = ((buffer << 6 | value) & 0xFFFF, bits + 6)
        guard bits >= 8 else { continue }
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
    }
    return bytes
}
