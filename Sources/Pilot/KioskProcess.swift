internal import Foundation
internal import Glibc
internal import TestRig

/// `kazashi run` as its own process, with its events.
package actor KioskProcess {
    package enum Event: Sendable, Equatable {
        case state(ready: Bool, cause: String?)
        case tap(Tap)
    }
    package struct Tap: Sendable, Equatable, Decodable {
        package let outcome: String
        package let code: String
        package let ms: Double
        package let card_ms: Double
        package let apdus: Int
    }

    private let process: ChildProcess
    private var iterator: AsyncStream<String>.Iterator
    package nonisolated var pid: Int32 { process.pid }

    /// - Parameter environment: `NAME=value`, beside what is there.
    package init(configuration: String, program: String = Programs.kazashi, environment: [String] = []) throws {
        process = try ChildProcess(
            "/usr/bin/env", environment + [program, "run", "--config", configuration, "--taps-to-stdout"])
        iterator = process.lines.makeAsyncIterator()
    }

    /// The next event, nil when the process has ended.
    package func next() async -> Event? {
        struct Line: Decodable {
            let event: String
            let state: String?
            let cause: String?
        }
        var iterator = iterator
        defer { self.iterator = iterator }
        guard let text = await iterator.next(isolation: self) else { return nil }
        let data = Data(text.utf8)
        let decoder = JSONDecoder()
        guard let line = try? decoder.decode(Line.self, from: data) else { return nil }
        if line.event == "tap", let tap = try? decoder.decode(Tap.self, from: data) { return .tap(tap) }
        return .state(ready: line.state == "ready", cause: line.cause)
    }

    /// Waits for the next state that `matches`; nil when the process ends or `seconds` pass first.
    package func state(
        within seconds: Double = 10, where matches: @Sendable (Bool, String?) -> Bool = { ready, _ in ready }
    ) async -> Bool {
        await bounded(seconds) {
            while let event = await self.next() {
                if case .state(let ready, let cause) = event, matches(ready, cause) { return true }
            }
            return false
        } ?? false
    }

    /// Waits for the next tap.
    package func tap(within seconds: Double = 12) async -> Tap? {
        await bounded(seconds) {
            while let event = await self.next() {
                if case .tap(let tap) = event { return tap }
            }
            return nil
        } ?? nil
    }

    /// Ends the process when the time is over, so that the wait ends too.
    private func bounded<Value: Sendable>(_ seconds: Double, _ body: () async -> Value) async -> Value? {
        let process = process
        let timer = Task {
            guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
            process.signal(SIGKILL)
        }
        defer { timer.cancel() }
        return await body()
    }

    package nonisolated var standardError: String { process.standardError }
    package nonisolated var standardOutput: String { process.standardOutput }
    package nonisolated func signal(_ number: Int32) { process.signal(number) }
    @discardableResult
    package nonisolated func stop() async -> Int32 { await process.stop() }

    /// Lines of the terminal display so far.
    package nonisolated var shown: [String] {
        process.standardError.split(separator: "\n").map(String.init).filter { $0.hasPrefix("[") }
    }
}
