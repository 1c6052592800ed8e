/// Changes DER or BER-TLV by its objects, and writes their lengths anew: objects are repeated by the hundred, grow beyond
/// what two bytes of length can say, are wrapped deeply, leave, or change places.
package let objectMutation: Mutation = { input, random, most in
    var objects = Object.read(input[...], depth: 0) ?? [Object(tag: [0x30], contents: input)]
    if random.below(4) == 0 {
        var leaf = random.below(max(1, objects.reduce(0) { $0 + $1.leaves }))
        grow(&objects, leaf: &leaf, &random, most)
    } else {
        change(&objects, &random, most, depth: 0)
    }
    return Array(objects.flatMap(\.encoded).prefix(most))
}

/// PEM of one list or certificate becomes a bundle, and DER becomes PEM, with what the world writes around it.
/// - Parameter label: of the blocks.
package func bundleMutation(label: String) -> Mutation {
    { input, random, most in
        guard random.below(3) == 0, !input.isEmpty else { return objectMutation(input, &random, most) }
        let breaks = ["\n", "\r\n", "\r", " \n", "\n\n", ""]
        var output: [UInt8] = random.below(4) == 0 ? [0xEF, 0xBB, 0xBF] : []
        for _ in 0...random.size(400) {
            let end = breaks[random.below(breaks.count)]
            let body = random.below(4) == 0 ? objectMutation(input, &random, 512) : input
            let text = base64(body, line: random.below(3) == 0 ? 100_000 : 64, end: end)
            let close = random.below(16) == 0 ? "" : "-----END \(label)-----"
            output += Array("-----BEGIN \(label)-----\(end)".utf8) + text + Array("\(end)\(close)\(end)".utf8)
            guard output.count < most else { break }
        }
        return output
    }
}

private func base64(_ bytes: [UInt8], line: Int, end: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = Array(bytes[start..<min(start + 3, bytes.count)])
        let bits = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
        for index in 0..<4 {
            text.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
        }
        if start % (line * 3 / 4) == 0, start > 0 { text += Array(end.utf8) }
    }
    return text
}

/// One object; constructed ones by their parts.
private struct Object {
    var tag: [UInt8]
    var contents: [UInt8]
    var parts: [Object] = []

    private static let deepest = 12
    /// Objects without parts in it.
    var leaves: Int { parts.isEmpty ? 1 : parts.reduce(0) { $0 + $1.leaves } }

    /// Nil when the bytes are no objects.
    static func read(_ bytes: ArraySlice<UInt8>, depth: Int) -> [Object]? {
        var (rest, objects) = (bytes, [Object]())
        while let first = rest.popFirst() {
            var tag = [first]
            if first & 0x1F == 0x1F {
                repeat {
                    guard let next = rest.popFirst(), tag.count < 3 else { return nil }
                    tag.append(next)
                } while tag[tag.count - 1] & 0x80 != 0
            }
            guard let size = rest.popFirst() else { return nil }
            var length = Int(size)
            if size & 0x80 != 0 {
                length = 0
                for _ in 0..<min(4, Int(size & 0x7F)) {
                    guard let next = rest.popFirst() else { return nil }
                    length = length << 8 | Int(next)
                }
            }
            guard length <= rest.count else { return nil }
            var object = Object(tag: tag, contents: Array(rest.prefix(length)))
            // Also what an OCTET STRING wraps, as extensions do.
            if first & 0x20 != 0 || first == 0x04, depth < deepest, length > 0 {
                object.parts = read(rest.prefix(length), depth: depth + 1) ?? []
            }
            objects.append(object)
            rest = rest.dropFirst(length)
        }
        return objects
    }

    var encoded: [UInt8] {
        let contents = parts.isEmpty ? contents : parts.flatMap(\.encoded)
        var length: [UInt8] = [UInt8(truncatingIfNeeded: contents.count)]
        if contents.count >= 0x80 {
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: contents.count >> (56 - 8 * $0)) }.drop { $0 == 0 }
            length = [0x80 | UInt8(bytes.count)] + bytes
        }
        return tag + length + contents
    }
}

/// One leaf becomes text that grows when its letters are made small, or just bytes: a name that is too long for the length
/// that is written of it.
private func grow(_ objects: inout [Object], leaf: inout Int, _ random: inout Randomness, _ most: Int) {
    for index in objects.indices where leaf >= 0 {
        guard objects[index].parts.isEmpty else {
            grow(&objects[index].parts, leaf: &leaf, &random, most)
            continue
        }
        if leaf == 0 {
            let unit =
                random.below(2) == 0 ? Array("İ".utf8) : [[0x41], [0xFF], [0x00], Array("ẞ ".utf8)][random.below(4)]
            let count = [random.below(64), 5_000, 23_000, random.below(most / unit.count)][random.below(4)]
            objects[index].contents = Array(repeatElement(unit, count: count).joined())
        }
        leaf -= 1
    }
}

private func change(_ objects: inout [Object], _ random: inout Randomness, _ most: Int, depth: Int) {
    guard !objects.isEmpty else { return }
    let index = random.below(objects.count)
    // Down into it, as a rule.
    if !objects[index].parts.isEmpty, random.below(5) > 0 {
        return change(&objects[index].parts, &random, most, depth: depth + 1)
    }
    switch random.below(8) {
    case 0: objects.insert(contentsOf: repeatElement(objects[index], count: random.size(1_500)), at: index)
    case 1, 2:
        for _ in 0..<random.size(300) {
            objects[index] = Object(tag: objects[index].tag, contents: [], parts: [objects[index]])
        }
    case 3: objects.remove(at: index)
    case 4: objects.swapAt(index, random.below(objects.count))
    case 5:
        objects[index].tag =
            [[0x30], [0x31], [0x02], [0x04], [0x0C], [0x17], [0x18], [0xA0], [0xA1], [0x86], [0x01]][random.below(11)]
    case 6:
        objects[index].parts = []
        objects[index].contents = (0..<random.size(40)).map { _ in UInt8(random.below(256)) }
    default:
        objects[index].parts = []
        objects[index].contents = objects[index].contents.reversed()
    }
}
