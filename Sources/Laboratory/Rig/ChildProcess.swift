internal import Foundation
package import Glibc
internal import Synchronization

/// A program that runs beside us, with its output as lines. It dies with its holder.
package final class ChildProcess: Sendable {
    private struct State {
        var standardOutput = ""
        var standardError = ""
    }

    private let process: Process
    private let state = Mutex(State())
    /// Lines of standard output, as they come.
    package let lines: AsyncStream<String>
    private let ended: AsyncStream<Int32>
    package let pid: pid_t

    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter input: given as standard input, which then ends.
    package init(_ path: String, _ arguments: [String], input: [UInt8]? = nil, environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        let inputPipe = input.map { _ in Pipe() }
        process.standardInput = inputPipe ?? FileHandle.nullDevice
        let (lines, lineContinuation) = AsyncStream<String>.makeStream()
        let (ended, endContinuation) = AsyncStream<Int32>.makeStream()
        (self.lines, self.ended) = (lines, ended)
        process.terminationHandler = { process in
            endContinuation.yield(
                process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus)
            endContinuation.finish()
        }
        try process.run()
        self.process = process
        pid = process.processIdentifier
        if let input, let inputPipe {
            try? inputPipe.fileHandleForWriting.write(contentsOf: Data(input))
            try? inputPipe.fileHandleForWriting.close()
        }
        gather(output.fileHandleForReading, lines: lineContinuation) { $0.standardOutput += $1 }
        gather(error.fileHandleForReading, lines: nil) { $0.standardError += $1 }
    }

    deinit { kill(pid, SIGKILL) }

    private func gather(
        _ handle: FileHandle, lines: AsyncStream<String>.Continuation?,
        _ append: @escaping @Sendable (inout State, String) -> Void
    ) {
        let partial = Mutex<[UInt8]>([])
        let box = Box(partial)
        handle.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                lines?.finish()
                return
            }
            box.partial.withLock { partial in
                partial += data
                while let end = partial.firstIndex(of: 0x0A) {
                    let line = String(decoding: partial[..<end], as: UTF8.self)
                    partial.removeSubrange(...end)
                    self?.state.withLock { append(&$0, line + "\n") }
                    lines?.yield(line)
                }
            }
        }
    }

    private final class Box: Sendable {
        let partial: Mutex<[UInt8]>
        init(_ partial: consuming Mutex<[UInt8]>) { self.partial = partial }
    }

    package var standardError: String { state.withLock { $0.standardError } }
    package var standardOutput: String { state.withLock { $0.standardOutput } }

    package func signal(_ number: Int32) { kill(pid, number) }

    /// The exit code; 128 + number for a signal.
    package func exitCode() async -> Int32 {
        for await code in ended { return code }
        return -1
    }

    /// Ends it and waits.
    @discardableResult
    package func stop(_ number: Int32 = SIGTERM) async -> Int32 {
        kill(pid, number)
        return await exitCode()
    }

    /// Runs a program to its end.
    package static func run(_ path: String, _ arguments: [String], input: [UInt8]? = nil) async throws -> (
        code: Int32, output: String, error: String
    ) {
        let child = try ChildProcess(path, arguments, input: input)
        var output = ""
        for await line in child.lines { output += line + "\n" }
        let code = await child.exitCode()
        return (code, output, child.standardError)
    }
}

/// Where this package's programs were built.
package enum Programs {
    package static var folder: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    package static var kazashi: String { folder + "/kazashi" }
    package static var laboratory: String { folder + "/kazashi-lab" }

    /// True inside the private network and mount namespaces that `board/test` and `board/demo` make.
    package static var isInPrivateNamespace: Bool { ProcessInfo.processInfo.environment["KAZASHI_NAMESPACE"] == "1" }
}
