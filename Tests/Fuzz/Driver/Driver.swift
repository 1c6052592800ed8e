import CFuzzer

/// What libFuzzer's callback, which captures nothing, hands its input to. Set once, before the driver starts.
private nonisolated(unsafe) var target: @Sendable ([UInt8]) -> Void = { _ in }

/// Runs `body` on inputs that libFuzzer makes up, as the command line's options say.
/// - Parameter body: of no actor: it may wait for tasks of its own.
package func fuzz(_ body: @escaping @Sendable ([UInt8]) -> Void) {
    target = body
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    _ = withUnsafeMutablePointer(to: &arguments) { arguments in
        LLVMFuzzerRunDriver(&count, arguments) { data, size in
            target(Array(UnsafeBufferPointer(start: data, count: size)))
            return 0
        }
    }
}
