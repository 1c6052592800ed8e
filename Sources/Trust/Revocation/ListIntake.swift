package import Cryptography
package import Files

/// Lists on their way in, from a file, a pipe or the network, as DER (one) or PEM (any number): the bytes are handed over
/// once, in whatever pieces they come, and never kept.
package struct ListIntake: ~Copyable, Sendable {
    private enum Form {
        case unknown
        case der
        case pem(PEMStream)
    }
    private var form = Form.unknown
    private var walk: RevocationListWalk?
    private var lists: [UnverifiedRevocationList] = []
    private let scratch: ScratchFolder
    private let engine: DigestEngine

    /// - Parameter scratch: where serials wait that do not fit into memory.
    package init(scratch: ScratchFolder, engine: DigestEngine = .fastest) {
        (self.scratch, self.engine) = (scratch, engine)
    }

    /// Bytes handed over.
    package private(set) var taken = 0
    /// Bytes of the whole input, where its beginning told.
    package private(set) var expected: Int?

    /// - Throws: `crlUnusable` at the first byte that no list may have, `storeUnavailable`.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws(TrustError) {
        guard let first = bytes.first else { return }
        taken += bytes.count
        if case .unknown = form {
            if first == 0x30 {
                form = .der
                walk = RevocationListWalk(scratch: scratch, engine: engine)
            } else {
                form = .pem(PEMStream(label: "X509 CRL"))
            }
        }
        switch form {
        case .unknown: break
        case .der: expected = try walk?.take(bytes)
        case .pem(var stream):
            try decode { (part) throws in try stream.take(bytes, part) }
            form = .pem(stream)
        }
    }

    /// Lets `body` write the next bytes into free room and say how many it wrote: 0 at the end of the input.
    /// - Returns: false at the end.
    package mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) throws(TrustError) -> Bool {
        var count = 0
        if case .der = form {
            expected = try walk?.fill { room in
                count = body(room)
                return count
            }
            taken += count
        } else {
            var room = [UInt8](repeating: 0, count: 64 * 1_024)
            count = room.withUnsafeMutableBytes { body($0) }
            try room.span.bytes.extracting(0..<count).withUnsafeBytes { bytes throws(TrustError) in try take(bytes) }
        }
        return count > 0
    }

    /// The input has ended.
    /// - Throws: `crlUnusable` when it ended too early, or held no list.
    package consuming func finish() throws(TrustError) -> [UnverifiedRevocationList] {
        if case .pem(var stream) = form { try decode { (part) throws in try stream.finish(part) } }
        if let walk = walk.take() { lists.append(try walk.finish()) }
        guard !lists.isEmpty else { throw TrustError(.crlUnusable, "there is no list in it, as DER or PEM") }
        return lists
    }

    private mutating func decode(_ body: ((PEMStream.Part) throws -> Void) throws -> Void) throws(TrustError) {
        do {
            try body { part in
                switch part {
                case .begin: walk = RevocationListWalk(scratch: scratch, engine: engine)
                case .contents(let bytes): try bytes.withUnsafeBytes { _ = try walk?.take($0) }
                case .end: if let whole = walk.take() { lists.append(try whole.finish()) }
                }
            }
        } catch let error as TrustError {
            throw error
        } catch {
            throw TrustError(.crlUnusable, "the list is no PEM (\(error))")
        }
    }
}
