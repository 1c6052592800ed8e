import CFuzzer
import Trust

/// The walk in one piece and in small ones: the same answer.
func fuzz(_ bytes: [UInt8]) {
    func walk(_ size: Int) -> Bool {
        var intake = ListIntake(scratch: .temporary)
        do throws(TrustError) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(size))
                try piece.span.bytes.withUnsafeBytes { (piece) throws(TrustError) in try intake.take(piece) }
                rest = rest.dropFirst(piece.count)
            }
            _ = try intake.finish()
            return true
        } catch {
            return false
        }
    }
    precondition(walk(.max) == walk(7))
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = withUnsafeMutablePointer(to: &arguments) { arguments in
    LLVMFuzzerRunDriver(&count, arguments) { data, size in
        fuzz(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
