import FuzzDriver
import TLV

/// Reads everything that can be read, by both rules, one level below another.
func walk(_ bytes: ArraySlice<UInt8>, _ rules: TLVReader.Rules, depth: Int) {
    var reader = TLVReader(bytes, rules: rules)
    while !reader.isAtEnd, let element = try? reader.next() {
        // What is read lies within what was given.
        precondition(element.encoded.startIndex >= bytes.startIndex && element.encoded.endIndex <= bytes.endIndex)
        precondition(element.contents.endIndex == element.encoded.endIndex)
        _ = try? element.time()
        _ = try? element.integer()
        _ = try? element.smallInteger()
        _ = try? element.enumerated()
        _ = try? element.boolean()
        _ = (try? element.objectIdentifier())?.description
        _ = try? element.octetsOfBitString()
        if depth < 8 { walk(element.contents, rules, depth: depth + 1) }
    }
}

fuzz(objectMutation) { bytes in
    walk(bytes[...], .ber, depth: 0)
    walk(bytes[...], .der, depth: 0)
}
