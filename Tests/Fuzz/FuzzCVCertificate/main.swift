import CFuzzer
import MyNumberCard

let anchors = CardAnchors(allowsTest: true)

func fuzz(_ bytes: [UInt8]) {
    guard let certificate = try? CVCertificate(bytes) else { return }
    // No anchor is there to vouch for anything.
    for use in CardAnchors.Use.allCases {
        precondition((try? certificate.verified(under: anchors, use: use)) == nil)
    }
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = withUnsafeMutablePointer(to: &arguments) { arguments in
    LLVMFuzzerRunDriver(&count, arguments) { data, size in
        fuzz(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
