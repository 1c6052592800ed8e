internal import CLinux
internal import CTestRig
internal import Foundation
internal import Glibc

/// A program that runs beside us, with its output as lines. It dies with its holder.
package final class ChildProcess: Sendable {
    private struct State {
        var standardOutput = ""
        var standardError = ""
        var hasEnded = false
    }
    private let shared: Shared
    /// Lines of standard output, as they come.
    package let lines: AsyncStream<String>
    private let ended: AsyncStream<Int32>
    /// Ends when standard error does: later than the program, maybe.
    private let errorsEnd: AsyncStream<Never>
    package let pid: Int32

    /// A lock that the thread sanitizer knows: a contended `Mutex` waits in the kernel, where it does not look, and two
    /// readers of one child's output contend.
    private final class Shared: @unchecked Sendable {
        private let lock = NSLock()
        private var state = State()

        func withLock<Value>(_ body: (inout State) -> Value) -> Value { lock.withLock { body(&state) } }
    }

    package struct Failed: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// - Parameter input: given as standard input, which then ends.
    package init(_ path: String, _ arguments: [String], input: [UInt8] = []) throws {
        let (standardInput, standardOutput, standardError) = (try Self.pipe(), try Self.pipe(), try Self.pipe())
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let environment = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + environment).forEach { free($0) } }
        pid = kz_spawn(path, words, environment, standardInput.read, standardOutput.write, standardError.write)
        for descriptor in [standardInput.read, standardOutput.write, standardError.write] { close(descriptor) }
        guard pid > 0 else { throw Failed(description: "\(path) could not be started") }
        let (lines, lineContinuation) = AsyncStream<String>.makeStream()
        let (ended, endContinuation) = AsyncStream<Int32>.makeStream()
        let (errorsEnd, errorsContinuation) = AsyncStream<Never>.makeStream()
        let shared = Shared()
        (self.lines, self.ended, self.errorsEnd, self.shared) = (lines, ended, errorsEnd, shared)
        let pid = pid
        // Blocking reads and waits, each on a thread of its own.
        Thread.detachNewThread {
            var rest = input[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(standardInput.write, $0.baseAddress, $0.count) }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
            close(standardInput.write)
        }
        Thread.detachNewThread {
            Self.read(standardOutput.read) { line in
                shared.withLock { $0.standardOutput += line + "\n" }
                lineContinuation.yield(line)
            }
            lineContinuation.finish()
        }
        Thread.detachNewThread {
            Self.read(standardError.read) { line in shared.withLock { $0.standardError += line + "\n" } }
            errorsContinuation.finish()
        }
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            shared.withLock { $0.hasEnded = true }
            endContinuation.yield(status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))
            endContinuation.finish()
        }
    }

    deinit { signal(SIGKILL) }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var descriptors: [Int32] = [-1, -1]
        guard kz_pipe(&descriptors) == 0 else { throw Failed(description: "no pipe to be had") }
        return (descriptors[0], descriptors[1])
    }

    private static func read(_ descriptor: Int32, _ line: (String) -> Void) {
        defer { close(descriptor) }
        var partial: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            partial += buffer.prefix(count)
            while let end = partial.firstIndex(of: 0x0A) {
                line(String(decoding: partial[..<end], as: UTF8.self))
                partial.removeSubrange(...end)
            }
        }
        if !partial.isEmpty { line(String(decoding: partial, as: UTF8.self)) }
    }

    package var standardError: String { shared.withLock { $0.standardError } }
    package var standardOutput: String { shared.withLock { $0.standardOutput } }

    /// Nothing once it has ended: its number may be somebody else's by then.
    package func signal(_ number: Int32) {
        shared.withLock { if !$0.hasEnded { kill(pid, number) } }
    }

    /// The exit code; 128 + number for a signal.
    package func exitCode() async -> Int32 {
        for await code in ended { return code }
        return -1
    }

    /// Ends it and waits; after five seconds it is killed.
    @discardableResult
    package func stop(_ number: Int32 = SIGTERM) async -> Int32 {
        signal(number)
        let timer = Task {
            guard (try? await Task.sleep(for: .seconds(5))) != nil else { return }
            signal(SIGKILL)
        }
        defer { timer.cancel() }
        return await exitCode()
    }

    /// Runs a program to its end.
    package static func run(_ path: String, _ arguments: [String], input: [UInt8] = []) async throws -> (
        code: Int32, output: String, error: String
    ) {
        let child = try ChildProcess(path, arguments, input: input)
        var output = ""
        for await line in child.lines { output += line + "\n" }
        for await _ in child.errorsEnd {}
        let code = await child.exitCode()
        return (code, output, child.standardError)
    }
}
