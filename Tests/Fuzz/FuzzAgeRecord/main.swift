import CFuzzer
import MyNumberCard

func fuzz(_ bytes: [UInt8]) {
    _ = try? AgeRecord(bytes)
    _ = try? BasicAttributes(bytes)
    _ = try? TextSignature(bytes)
    _ = try? TextKey(bytes)
    _ = try? TokenInformation(bytes)
    _ = try? CardKey(publicKeyInfo: bytes)
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = withUnsafeMutablePointer(to: &arguments) { arguments in
    LLVMFuzzerRunDriver(&count, arguments) { data, size in
        fuzz(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
