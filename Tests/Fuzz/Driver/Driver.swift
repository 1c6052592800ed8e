import CFuzzer
import Glibc

/// What libFuzzer's callbacks, which capture nothing, hand their input to. Set once, before the driver starts.
private nonisolated(unsafe) var target: @Sendable ([UInt8]) -> Void = { _ in }
private nonisolated(unsafe) var mutate: Mutation?

/// Changes an input in a way that its form allows: `most` bytes at the most come out.
package typealias Mutation = @Sendable (_ input: [UInt8], _ random: inout Randomness, _ most: Int) -> [UInt8]

/// Runs `body` on inputs that libFuzzer makes up, as the command line's options say. Descriptors and memory are bounded:
/// an input that takes more of them than an input may ends the run, as a crash does.
/// - Parameters:
///   - mutation: makes inputs of the target's form beside libFuzzer's own: long names, many blocks, deep nesting.
///   - body: of no actor: it may wait for tasks of its own.
package func fuzz(_ mutation: Mutation? = nil, _ body: @escaping @Sendable ([UInt8]) -> Void) {
    (target, mutate) = (body, mutation)
    limit(RLIMIT_NOFILE, to: 48)
    limit(RLIMIT_DATA, to: 1 << 30)
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    _ = withUnsafeMutablePointer(to: &arguments) { arguments in
        LLVMFuzzerRunDriver(&count, arguments) { data, size in
            let input = Array(UnsafeBufferPointer(start: data, count: size))
            let peak = peakMemory()
            target(input)
            // The first inputs set up what is set up once.
            hasRun += 1
            guard hasRun > 100 else {
                usual = max(usual, lowestDescriptor())
                return 0
            }
            // The runtime's own threads open one now and then; what inputs leave open adds up.
            precondition(lowestDescriptor() < usual + 8, "inputs leave descriptors open")
            precondition(peakMemory() - peak < mostKilobytes, "an input takes more than 48 MB")
            return 0
        }
    }
}

private nonisolated(unsafe) var hasRun = 0
private nonisolated(unsafe) var usual: Int32 = 0
/// What one input of 128 KiB at the most may add to the process's peak.
private let mostKilobytes = 48 * 1_024

private func limit(_ resource: __rlimit_resource, to most: rlim_t) {
    var limits = rlimit(rlim_cur: most, rlim_max: most)
    precondition(setrlimit(__rlimit_resource_t(resource.rawValue), &limits) == 0)
}

private func lowestDescriptor() -> Int32 {
    let descriptor = dup(STDERR_FILENO)
    close(descriptor)
    return descriptor
}

private func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
}

/// libFuzzer calls it by its name where it is linked.
@_cdecl("LLVMFuzzerCustomMutator")
func customMutator(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ most: Int, _ seed: UInt32) -> Int {
    var random = Randomness(seed: seed)
    guard let mutate, random.below(2) == 0 else {
        // Small ones as a rule: many of them run in the time of a large one.
        let most = random.below(16) == 0 ? most : min(most, 4_096)
        return LLVMFuzzerMutate(data, min(size, most), most)
    }
    let output = mutate(Array(UnsafeBufferPointer(start: data, count: size)), &random, most).prefix(most)
    for (index, byte) in output.enumerated() { data[index] = byte }
    return output.count
}

/// The same numbers for the same seed (SplitMix64), so that libFuzzer can repeat a run.
package struct Randomness: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt32) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    package mutating func below(_ most: Int) -> Int { Int(next() % UInt64(max(1, most))) }

    /// Small mostly, and now and then as large as `most`.
    package mutating func size(_ most: Int) -> Int { below(below(6) == 0 ? most + 1 : min(most, 64) + 1) }
}
