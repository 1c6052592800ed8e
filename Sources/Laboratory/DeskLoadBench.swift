internal import Announcement
internal import Clock
internal import Cryptography
internal import Desk
internal import Files
internal import Foundation
internal import Glibc
internal import HTTPClient
internal import JOSE
internal import SecurityEvents
internal import Synchronization
internal import TestRig

/// Does something that blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// A socket that sends tokens to a desk and takes what comes back.
final class LoadSocket: Sendable {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var room: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout.size(ofValue: room)))
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        var address = LoopbackSocket.address(port)
        let connected = LoopbackSocket.withAddress(&address) { connect(descriptor, $0, $1) }
        guard connected == 0 else { throw ChildProcess.Failed(description: "no way to port \(port)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, 0) }

    /// Blocks; nil when nothing came for two seconds.
    func receive() -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_500)
        let count = recv(descriptor, &room, room.count, 0)
        return count < 0 ? nil : Array(room.prefix(count))
    }
}

/// As many tokens as a desk takes, and whether its page stays live meanwhile.
struct DeskLoadBench {
    let tokens: Int

    func run(floor: Arithmetic) async throws {
        emit("a desk under load, over UDP, tokens made before; every one acknowledged with a signature")
        let allowed = 1_000 / (floor.agree + floor.verify)
        let nested = try await load(isDirect: false, count: tokens * 4, outstanding: 16)
        emit(
            String(
                format: "  nested: %.0f tokens/s; one core's agreement + verification allow %.0f: %.0f %%", nested,
                allowed, 100 * nested / allowed))
        let direct = try await load(isDirect: true, count: tokens * 50, outstanding: 128)
        emit(String(format: "  direct: %.0f tokens/s", direct))
    }

    /// Tokens a second.
    private func load(isDirect: Bool, count: Int, outstanding: Int) async throws -> Double {
        let keys = try BenchKeys()
        let folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-load-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let desk = try keys.desk(isDirect: isDirect, file: folder + "/desk.sqlite")
        let datagrams = try DatagramServer(desk: desk)
        let page = try DeskPage(counter: desk.counter)
        let watch = try await PageWatch(port: page.start())
        let transmitter = keys.transmitter(.udp(host: "127.0.0.1", port: datagrams.port), isDirect: isDirect)
        var made: [[UInt8]] = []
        made.reserveCapacity(count)
        // What is signed too early would be refused: a few seconds' worth at a time.
        var rate: [Double] = []
        let socket = try LoadSocket(port: datagrams.port)
        let most = isDirect ? 10_000 : 800
        for start in stride(from: 0, to: count, by: most) {
            made.removeAll(keepingCapacity: true)
            for number in start..<min(count, start + most) {
                let token = try await transmitter.seal(
                    BenchKeys.presented(number), jti: TokenID(), toe: systemTime())
                made.append(token.bytes)
            }
            let portion = made
            watch.loadBegins()
            rate.append(try await onThread { try Self.blast(portion, over: socket, outstanding: outstanding) })
            watch.loadEnds()
        }
        let (events, gap) = await watch.stop()
        emit(
            String(
                format: "  the page meanwhile (%@): %d events, the longest pause between two %.0f ms",
                isDirect ? "direct" : "nested", events, gap))
        await page.stop()
        datagrams.stop()
        return Timings(rate).quantile(0.5)
    }

    /// Sends all of them, `outstanding` at a time, and takes as many answers; tokens a second.
    private static func blast(_ tokens: [[UInt8]], over socket: LoadSocket, outstanding: Int) throws -> Double {
        let start = ContinuousClock.now
        var sent = 0
        while sent < min(outstanding, tokens.count) {
            socket.send(tokens[sent])
            sent += 1
        }
        for _ in tokens.indices {
            guard socket.receive() != nil else { throw ChildProcess.Failed(description: "the desk did not answer") }
            if sent < tokens.count {
                socket.send(tokens[sent])
                sent += 1
            }
        }
        let (seconds, attoseconds) = start.duration(to: .now).components
        return Double(tokens.count) / (Double(seconds) + Double(attoseconds) / 1e18)
    }
}

/// A browser's stream of server-sent events, without the browser: what comes, and how long nothing came.
private actor PageWatch {
    private final class Pulse: Sendable {
        /// `last` is nil while no load is on: those pauses are none of the desk's.
        private let state = Mutex((events: 0, last: ContinuousClock.Instant?.none, longest: 0.0))
        var figures: (events: Int, longest: Double) { state.withLock { ($0.events, $0.longest) } }

        func loadBegins() { state.withLock { $0.last = .now } }
        func loadEnds() {
            beat(counts: false)
            state.withLock { $0.last = nil }
        }

        func beat(counts: Bool = true) {
            state.withLock { state in
                guard let last = state.last else { return }
                let now = ContinuousClock.now
                state.longest = max(state.longest, last.duration(to: now).milliseconds)
                state.last = now
                if counts { state.events += 1 }
            }
        }
    }
    private let pulse = Pulse()
    private let task: Task<Void, Never>

    init(port: UInt16) async throws {
        let pulse = pulse
        task = Task {
            let request = HTTPRequest(
                .get, "http://127.0.0.1:\(port)/stream", timeout: .seconds(3_600), most: .max)
            _ = try? await CurlClient().send(request) { _, _ in
                pulse.beat()
                return true
            }
        }
    }

    nonisolated func loadBegins() { pulse.loadBegins() }
    nonisolated func loadEnds() { pulse.loadEnds() }

    func stop() async -> (events: Int, longest: Double) {
        task.cancel()
        await task.value
        return pulse.figures
    }
}
