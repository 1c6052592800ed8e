internal import CLinux
internal import Dispatch
internal import Foundation
internal import Glibc
internal import SecurityEvents
internal import Synchronization

/// Takes requests of HTTP/1.1 from whoever reaches its port: so many connections at a time, each with a thread of its
/// own, each request within a size and a time. For one connection more than there may be, the one that has waited longest
/// is given up: a request takes milliseconds to come, so that is hardly a kiosk's.
final class PushListener: Sendable {
    struct Limits: Sendable {
        var connections = 32
        /// From a request's first byte to its last, and for the answer to be taken; milliseconds.
        var request: Int64 = 5_000
        /// Until the next request of a kept connection begins.
        var idle: Int64 = 120_000
    }

    /// RFC 9112 section 4, without a reason phrase.
    struct Response: Sendable {
        let status: Int
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        fileprivate func bytes(keepsAlive: Bool) -> [UInt8] {
            var head = "HTTP/1.1 \(status) \r\nContent-Length: \(body.count)\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            if !keepsAlive { head += "Connection: close\r\n" }
            return Array("\(head)\r\n".utf8) + body
        }
    }

    let port: UInt16
    private let listener: Int32
    /// Closed at one end, it wakes every thread.
    private let (wake, ending): (Int32, Int32)
    private let limits: Limits
    private let slots: DispatchSemaphore
    /// Connections of which something is awaited, those that have waited longest first.
    private let waiting = Mutex<[Int32]>([])
    /// Finished by the listening thread, once nobody is let in.
    private let closed: AsyncStream<Never>
    private let closing: AsyncStream<Never>.Continuation

    /// Answers a request on its connection's thread, many at a time; it may block. It may `pause` before; false then says
    /// that everything ends.
    typealias Respond = @Sendable (PushRequest, _ pause: (Duration) -> Bool) -> Response

    /// Listens.
    /// - Parameters:
    ///   - refusal: the answer to what is no request that is taken.
    init(
        _ address: ListeningSocket.Address, limits: Limits = Limits(), refusal: Response, respond: @escaping Respond
    ) throws {
        listener = try ListeningSocket.bound(to: address, type: SOCK_STREAM)
        var ends: [Int32] = [-1, -1]
        guard listen(listener, 128) == 0, kz_pipe(&ends) == 0 else {
            close(listener)
            throw ListeningSocket.Failed(description: String(cString: strerror(errno)))
        }
        (wake, ending) = (ends[0], ends[1])  // safe: a pipe has two
        (self.port, self.limits) = (ListeningSocket.port(of: listener), limits)
        slots = DispatchSemaphore(value: limits.connections)
        (closed, closing) = AsyncStream.makeStream()
        Thread.detachNewThread { [self] in
            accept { [self] in serve($0, refusal, respond) }
            close(listener)
            closing.finish()
        }
    }

    deinit { close(wake) }

    /// Ends the threads, once.
    func end() { close(ending) }

    /// Once it has ended: nobody connects any more.
    func ended() async { for await _ in closed {} }

    /// False: everything ends.
    private func pause(_ duration: Duration) -> Bool {
        _ = isReady(-1, 0, until: Self.now + duration.milliseconds)
        var polled = pollfd(fd: wake, events: 0, revents: 0)
        return poll(&polled, 1, 0) == 0
    }

    /// Milliseconds of a clock that only goes forward.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000  // safe: the same width
    }

    /// Waits; false: not in time, or everything ends.
    private func isReady(_ descriptor: Int32, _ events: Int32, until deadline: Int64) -> Bool {
        var polled = [
            pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0),
            pollfd(fd: wake, events: 0, revents: 0),
        ]
        while true {
            let left = deadline == .max ? -1 : Int32(clamping: max(0, deadline - Self.now))
            let count = poll(&polled, 2, left)
            if count < 0, errno == EINTR { continue }
            return count > 0 && polled[1].revents == 0  // safe: two were asked about
        }
    }

    private func accept(_ serve: @escaping @Sendable (Int32) -> Void) {
        while isReady(listener, POLLIN, until: .max) {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else {
                // Without a descriptor to be had: not as fast as the processor can.
                if errno == EMFILE || errno == ENFILE { _ = pause(.milliseconds(100)) }
                continue
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            if slots.wait(timeout: .now()) == .timedOut {
                // Its thread closes it, under the same lock: the number is nobody else's meanwhile.
                waiting.withLock { waiting in
                    if let oldest = waiting.first {
                        shutdown(oldest, Int32(SHUT_RDWR))
                        waiting.removeFirst()  // safe: it has a first
                    }
                }
                slots.wait()
            }
            waiting.withLock { $0.append(connection) }
            Thread.detachNewThread { [self] in
                serve(connection)
                waiting.withLock { waiting in
                    waiting.removeAll { $0 == connection }
                    close(connection)
                }
                slots.signal()
            }
        }
    }

    private func serve(_ connection: Int32, _ refusal: Response, _ respond: Respond) {
        var bytes: [UInt8] = []
        var (isFirst, end) = (true, Int64.max)
        while true {
            switch PushRequest.read(bytes, mostBody: SealedToken.most) {
            case .incomplete:
                if end == .max { end = Self.now + (isFirst || !bytes.isEmpty ? limits.request : limits.idle) }
                let wasEmpty = bytes.isEmpty
                guard isReady(connection, POLLIN, until: end), receive(connection, &bytes) else { return }
                // The time of a request begins with it.
                if wasEmpty, !isFirst { end = Self.now + limits.request }
            case .refused:
                send(refusal.bytes(keepsAlive: false), connection)
                return drain(connection)
            case .complete(let request, let count):
                waiting.withLock { waiting in waiting.removeAll { $0 == connection } }
                let response = respond(request, pause)
                bytes.removeFirst(count)  // safe: a request was read of them
                waiting.withLock { $0.append(connection) }
                guard send(response.bytes(keepsAlive: request.keepsAlive), connection) else { return }
                guard request.keepsAlive else { return drain(connection) }
                (isFirst, end) = (false, .max)
            }
        }
    }

    /// Takes what is there; false: the other side has ended.
    private func receive(_ connection: Int32, _ bytes: inout [UInt8]) -> Bool {
        var room = [UInt8](repeating: 0, count: 4_096)
        let count = recv(connection, &room, room.count, Int32(MSG_DONTWAIT))
        guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
        bytes += room.prefix(count)
        return true
    }

    private static let sending = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)

    @discardableResult
    private func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        let end = Self.now + limits.request
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Self.sending)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else {
                guard errno == EAGAIN || errno == EINTR, isReady(connection, POLLOUT, until: end) else { return false }
            }
        }
        return true
    }

    /// To close what holds unread bytes takes the answer back: they are thrown away, for a second and 64 KiB at most.
    private func drain(_ connection: Int32) {
        shutdown(connection, Int32(SHUT_WR))
        let end = Self.now + 1_000
        for _ in 0..<16 {
            var bytes: [UInt8] = []
            guard isReady(connection, POLLIN, until: end), receive(connection, &bytes) else { return }
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
