internal import CTestRig
internal import Glibc

/// A connection of a virtual reader's: whole messages, and the time that a card takes.
struct CardConnection: Sendable {
    let socket: Int32

    /// - Returns: nil when the other side closed.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            // Without it every exchange over TCP waits 44 ms for a delayed acknowledgement.
            kz_quick_acknowledge(socket)
            let got = bytes.withUnsafeMutableBytes { read(socket, $0.baseAddress?.advanced(by: done), count - done) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    func pause(_ milliseconds: Double) {
        guard milliseconds > 0 else { return }
        var time = timespec(
            tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds.truncatingRemainder(dividingBy: 1_000) * 1e6))
        var left = timespec()
        while nanosleep(&time, &left) != 0, errno == EINTR { time = left }
    }
}
