internal import Certificates
package import Cryptography
package import Files

/// Lists on their way in, from a file, a pipe or the network, as DER (one) or PEM (any number): the bytes are handed over
/// once, in whatever pieces they come, and never kept. Each list is handed on at its end, so that who knows the
/// authorities can refuse it, and stop, before the next one is read.
package struct ListIntake: ~Copyable, Sendable {
    /// Is told of each list at its end: its form is right, or why not. What it throws ends the intake.
    package typealias Consumer =
        @Sendable (Result<UnverifiedRevocationList, RevocationError>) throws(RevocationError) -> Void

    private enum Form {
        /// The first byte may be that of DER or of text.
        case unknown(held: [UInt8])
        case der
        case pem(PEMStream)
    }
    private var form = Form.unknown(held: [])
    private var walk: RevocationListWalk?
    /// True in a PEM block that nothing was told of yet.
    private var isOpen = false
    /// Lists that were told of.
    private var count = 0
    private let scratch: ScratchFolder
    private let engine: DigestEngine
    private let each: Consumer

    /// - Parameters:
    ///   - scratch: where serials wait that do not fit into memory.
    ///   - each: told of each list in its order; DER is one list.
    package init(scratch: ScratchFolder, engine: DigestEngine = .fastest, each: @escaping Consumer) {
        (self.scratch, self.engine, self.each) = (scratch, engine, each)
    }

    /// Bytes handed over.
    package private(set) var taken = 0
    /// Bytes of the whole input, where its beginning told.
    package private(set) var expected: Int?

    /// Bytes of a source, at the most, with the text that may stand around its lists.
    package static let most = ListLimits.source
    package static var tooLong: RevocationError {
        RevocationError(.crlUnusable, "the file is longer than \(ListLimits.source >> 20) MiB")
    }

    /// - Throws: `crlUnusable` at the first byte of DER that no list may have, `storeUnavailable`, and what `each` throws.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws(RevocationError) {
        guard !bytes.isEmpty else { return }
        guard bytes.count <= Self.most - taken else { throw Self.tooLong }
        taken += bytes.count
        if case .unknown(let held) = form {
            guard let isDER = PEMStream.isDER(held + bytes.prefix(2)) else {
                form = .unknown(held: Array(bytes))
                return
            }
            if isDER { walk = RevocationListWalk(scratch: scratch, engine: engine) }
            form = isDER ? .der : .pem(PEMStream(labels: ["X509 CRL"]))
            try held.span.bytes.withUnsafeBytes { bytes throws(RevocationError) in try read(bytes) }
        }
        try read(bytes)
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) throws(RevocationError) {
        switch form {
        case .unknown: break
        case .der:
            guard !bytes.isEmpty else { return }
            try onlyList { (intake: inout Self) throws(RevocationError) in
                intake.expected = try intake.walk?.take(bytes)
            }
        case .pem(var stream):
            try decode { (part) throws in try stream.take(bytes, part) }
            form = .pem(stream)
        }
    }

    /// Lets `body` write the next bytes into free room and say how many it wrote: 0 at the end of the input.
    /// - Returns: false at the end.
    package mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) throws(RevocationError) -> Bool {
        var count = 0
        if case .der = form {
            try onlyList { (intake: inout Self) throws(RevocationError) in
                intake.expected = try intake.walk?.fill { room in
                    count = body(room)
                    return count
                }
            }
            taken += count
        } else {
            var room = [UInt8](repeating: 0, count: 64 * 1_024)
            count = room.withUnsafeMutableBytes { body($0) }
            try room.span.bytes.extracting(0..<count).withUnsafeBytes { bytes throws(RevocationError) in try take(bytes)
            }
        }
        return count > 0
    }

    /// The input has ended.
    /// - Returns: false when it ended within a block of PEM: more of it may be missing than that list.
    /// - Throws: `crlUnusable` when it is DER that ended too early, or held no list, and what `each` throws.
    @discardableResult
    package consuming func finish() throws(RevocationError) -> Bool {
        var isWhole = true
        switch form {
        case .unknown: break
        case .der:
            try onlyList { (intake: inout Self) throws(RevocationError) in
                guard let whole = intake.walk.take() else { return }
                let list = try whole.finish()
                intake.count += 1
                try intake.each(.success(list))
            }
        case .pem(var stream):
            try decode { (tell) throws in
                try stream.finish { part in
                    isWhole = false
                    try tell(part)
                }
            }
        }
        guard count > 0 else { throw RevocationError(.crlUnusable, "there is no list in it, as DER or PEM") }
        return isWhole
    }

    /// Does some of a DER list's work: where its form is wrong it is told of, and nothing that follows can be read.
    private mutating func onlyList(_ body: (inout Self) throws(RevocationError) -> Void) throws(RevocationError) {
        do throws(RevocationError) {
            try body(&self)
        } catch {
            walk = nil
            guard error.code == .crlUnusable, count == 0 else { throw error }
            count = 1
            try each(.failure(error))
            throw error
        }
    }

    private mutating func decode(_ body: ((PEMStream.Part) throws -> Void) throws -> Void) throws(RevocationError) {
        do {
            try body { part in
                switch part {
                case .begin:
                    walk = RevocationListWalk(scratch: scratch, engine: engine)
                    isOpen = true
                case .contents(let bytes):
                    try tell { (intake: inout Self) throws(RevocationError) in _ = try intake.walk?.take(bytes) }
                case .end:
                    try tell { (intake: inout Self) throws(RevocationError) in
                        guard let whole = intake.walk.take() else { return }
                        let list = try whole.finish()
                        intake.isOpen = false
                        intake.count += 1
                        try intake.each(.success(list))
                    }
                case .broken:
                    try tell { (_: inout Self) throws(RevocationError) in
                        throw refusal("its PEM is not base64, or not closed (RFC 7468 section 3)")
                    }
                }
            }
        } catch let error as RevocationError {
            throw error
        } catch {
            throw RevocationError(.crlUnusable, "the list cannot be read")
        }
    }

    /// Does some of a block's work. A list whose form is wrong is told of once, and the rest of its block is skipped;
    /// what else goes wrong ends the intake.
    private mutating func tell(_ body: (inout Self) throws(RevocationError) -> Void) throws(RevocationError) {
        guard isOpen else { return }
        do throws(RevocationError) {
            try body(&self)
        } catch {
            guard error.code == .crlUnusable, isOpen else { throw error }
            isOpen = false
            walk = nil
            count += 1
            try each(.failure(error))
        }
    }
}
