internal import Dispatch
internal import Foundation
internal import Glibc
internal import TestPKI

/// A bad network on loopback: a UDP relay that loses, doubles, delays and so reorders datagrams in both directions. The
/// kernel's netem does the same where it is to be had.
package final class LossyRelay: @unchecked Sendable {
    // Everything that changes is touched on `queue` only.
    package struct Faults: Sendable {
        /// Parts of one.
        package var loss = 0.0
        package var duplication = 0.0
        /// Milliseconds, each datagram its own.
        package var delay: ClosedRange<Double> = 0...0

        package init(loss: Double = 0, duplication: Double = 0, delay: ClosedRange<Double> = 0...0) {
            (self.loss, self.duplication, self.delay) = (loss, duplication, delay)
        }
    }

    package let port: UInt16
    private let faults: Faults
    private let queue = DispatchQueue(label: "lossy relay")
    private let listener: Int32
    private let server: UInt16
    private var sources: [any DispatchSourceRead] = []
    private var upstream: [UInt16: Int32] = [:]
    private var random: SeededGenerator
    private var isStopped = false

    /// - Parameters:
    ///   - server: the port on this machine that datagrams go on to.
    ///   - seed: the same seed loses the same datagrams.
    package init(to server: UInt16, faults: Faults, seed: UInt64) throws {
        (self.faults, self.server, random) = (faults, server, SeededGenerator(seed: seed))
        (listener, port) = try LoopbackSocket.bound(SOCK_DGRAM, options: SOCK_NONBLOCK)
        queue.sync { watch(listener) { [unowned self] bytes, from in toServer(bytes, from: from) } }
    }

    package func stop() {
        queue.sync {
            isStopped = true
            sources.forEach { $0.cancel() }
            sources = []
        }
    }

    private func watch(_ descriptor: Int32, _ body: @escaping (_ bytes: [UInt8], _ from: UInt16) -> Void) {
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler {
            while let (bytes, from) = LoopbackSocket.receive(descriptor) { body(bytes, from) }
        }
        source.setCancelHandler { close(descriptor) }
        source.resume()
        sources.append(source)
    }

    private func toServer(_ bytes: [UInt8], from client: UInt16) {
        if upstream[client] == nil, let (descriptor, _) = try? LoopbackSocket.bound(SOCK_DGRAM, options: SOCK_NONBLOCK)
        {
            upstream[client] = descriptor
            watch(descriptor) { [unowned self] bytes, _ in mangle(bytes, over: listener, to: client) }
        }
        if let descriptor = upstream[client] { mangle(bytes, over: descriptor, to: server) }
    }

    private func mangle(_ bytes: [UInt8], over descriptor: Int32, to port: UInt16) {
        guard Double.random(in: 0..<1, using: &random) >= faults.loss else { return }
        let copies = Double.random(in: 0..<1, using: &random) < faults.duplication ? 2 : 1
        for _ in 0..<copies {
            let delay = Double.random(in: faults.delay, using: &random)
            queue.asyncAfter(deadline: .now() + delay / 1_000) { [self] in
                guard !isStopped else { return }
                LoopbackSocket.send(bytes, over: descriptor, to: port)
            }
        }
    }
}
