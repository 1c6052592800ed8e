internal import HTTPClient
internal import SecurityEvents

/// Pushes one token as one datagram, again and again until an authenticated acknowledgement comes.
package struct UDPDelivery: Sendable {
    let host: String
    let port: UInt16
    let resolver: HostResolver
    /// What a datagram that came back says about the token; nil for everything that is not the library's answer to it.
    let authentication: @Sendable (_ acknowledgement: [UInt8]) -> Delivery?

    /// When the datagram goes out again, milliseconds after the first; each a fifth earlier or later at random, so that
    /// kiosks that lost a switch together do not come back together.
    package static let schedule = [250, 500, 1_000, 2_000]

    private enum Step: Sendable {
        case addresses([HostAddress])
        case send
        case datagram([UInt8])
        case nobodyListens
    }

    /// Ends with the first answer that counts, at `deadline`, or when the task is cancelled. An answer that the clocks differ
    /// may be an old one that somebody sends again: whatever else comes until the deadline counts more.
    func push(_ token: SealedToken, deadline: ContinuousClock.Instant) async -> Delivery {
        // A flood pushes out older steps; the end of the stream is none.
        let (steps, continuation) = AsyncStream.makeStream(of: Step.self, bufferingPolicy: .bufferingNewest(64))
        let again = Task {
            for pause in Self.pauses() {
                guard (try? await Task.sleep(for: pause)) != nil else { return }
                continuation.yield(.send)
            }
        }
        let limit = Task {
            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
            continuation.finish()
        }
        var asking: Task<Void, Never>?
        func ask() {
            asking?.cancel()
            asking = Task { [host, resolver] in
                if let found = await resolver.addresses(of: host, until: deadline) {
                    continuation.yield(.addresses(found))
                }
            }
        }
        defer {
            again.cancel()
            limit.cancel()
            asking?.cancel()
        }
        let known = resolver.known(host)
        if known.isEmpty { ask() } else { continuation.yield(.addresses(known)) }

        var sockets: [DatagramSocket] = []
        var turn = 0
        var result = Delivery.unreachable
        for await step in steps {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { break }
            switch step {
            case .addresses(let addresses):
                sockets = addresses.prefix(4).compactMap { address in
                    DatagramSocket(to: address, port: port) {
                        continuation.yield($0.map { .datagram($0) } ?? .nobodyListens)
                    }
                }
                send(token, over: sockets, turn: turn, deadline)
            case .send:
                // Nothing left yet: the name service may answer now.
                guard !sockets.isEmpty else {
                    ask()
                    continue
                }
                turn += 1
                send(token, over: sockets, turn: turn, deadline)
            case .nobodyListens:
                // A host with several addresses may listen on one of them only.
                guard turn + 1 < sockets.count else { continue }
                turn += 1
                send(token, over: sockets, turn: turn, deadline)
            case .datagram(let bytes):
                if let delivery = authentication(bytes) {
                    guard delivery == .refused(.staleIssueTime) else { return delivery }
                    result = delivery
                }
                // Whoever sends junk takes no thread from the other libraries' answers.
                await Task.yield()
            }
        }
        return result
    }

    private func send(
        _ token: SealedToken, over sockets: [DatagramSocket], turn: Int, _ deadline: ContinuousClock.Instant
    ) {
        guard !sockets.isEmpty, ContinuousClock.now < deadline, token.mayLeave() else { return }
        // safe: there is one
        _ = sockets[turn % sockets.count].send(token.bytes)
    }

    /// The pauses between the datagrams.
    private static func pauses() -> [Duration] {
        var last = 0.0
        return schedule.map { milliseconds in
            let next = Double(milliseconds) * Double.random(in: 0.8...1.2)
            defer { last = max(last, next) }
            // safe: pauses of our own, milliseconds
            return .milliseconds(Int(max(0, next - last)))
        }
    }
}
