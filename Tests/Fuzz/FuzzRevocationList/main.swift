import CFuzzer
import Trust

func fuzz(_ bytes: [UInt8]) {
    _ = try? UnverifiedRevocationList(der: bytes)
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = withUnsafeMutablePointer(to: &arguments) { arguments in
    LLVMFuzzerRunDriver(&count, arguments) { data, size in
        fuzz(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
