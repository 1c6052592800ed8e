import CFuzzer
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
        _ = try? element.boolean()
        _ = (try? element.objectIdentifier())?.description
        _ = try? element.octetsOfBitString()
        if depth < 8 { walk(element.contents, rules, depth: depth + 1) }
    }
}

func fuzz(_ bytes: [UInt8]) {
    walk(bytes[...], .ber, depth: 0)
    walk(bytes[...], .der, depth: 0)
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = withUnsafeMutablePointer(to: &arguments) { arguments in
    LLVMFuzzerRunDriver(&count, arguments) { data, size in
        fuzz(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
