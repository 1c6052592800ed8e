internal import Certificates
internal import Cryptography
internal import Files
internal import TLV

/// Reads a CRL once, as its bytes pass (RFC 5280 5.1), and holds no more of it than a buffer: the rules are checked and
/// the TBSCertList is hashed on the way. Nothing that it says is believed before the signature is.
struct RevocationListWalk: ~Copyable, Sendable {
    private enum Stage {
        /// Up to the first entry; then the tail begins so many bytes after the list's start.
        case head
        case entries(left: Int)
        case tail
    }
    private var stage = Stage.head
    private var entries: RevokedEntries
    private let engine: DigestEngine

    private var buffer: [UInt8]
    /// What of the buffer was not read yet.
    private var start = 0
    private var end = 0
    /// Bytes of the list before the buffer's.
    private var passed = 0
    /// Bytes of the whole list, and where its TBSCertList lies; known after the head.
    private var total = Int.max
    private var signed = 0..<0
    private var head: RevocationListHead?
    private var algorithm = SignatureAlgorithm.rsaSHA256
    private var digest: RunningDigest?

    /// Bytes that are read at once, of a long list and of any other. What is read whole (the head, an entry, the tail)
    /// fits.
    private static let room = 256 * 1_024
    private static let smallRoom = 96 * 1_024

    init(scratch: ScratchFolder, engine: DigestEngine) {
        entries = RevokedEntries(scratch: scratch)
        self.engine = engine
        buffer = [UInt8](repeating: 0, count: Self.smallRoom)
    }

    private var taken: Int { passed + end }

    /// Takes the next bytes of the list.
    /// - Returns: the bytes of the whole list, once its header was read.
    /// - Throws: `crlUnusable`, `storeUnavailable`.
    @discardableResult
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(RevocationError) -> Int? {
        var rest = bytes[...]
        while !rest.isEmpty {
            try fill { room in
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room.count))
                room.copyMemory(from: part)
                rest = rest.dropFirst(part.count)
                return part.count
            }
        }
        return total == .max ? nil : total
    }

    /// Lets `body` write the next bytes of the list into free room and say how many it wrote.
    /// - Returns: as `take`.
    @discardableResult
    mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) throws(RevocationError) -> Int? {
        if start > 0 {
            buffer.withUnsafeMutableBytes { bytes in
                // safe: places of the buffer that were filled
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                // safe: places of the buffer that were filled
                UnsafeMutableRawBufferPointer(rebasing: bytes[0..<rest.count]).copyMemory(from: rest)
            }
            passed += start
            (start, end) = (0, end - start)
        }
        if buffer.count < Self.room, total != .max, total - passed > buffer.count {
            buffer += [UInt8](repeating: 0, count: Self.room - buffer.count)  // safe: it is smaller than that
        }
        let fresh = end
        // safe: places of the buffer that were filled
        buffer.withUnsafeMutableBytes { end += body(UnsafeMutableRawBufferPointer(rebasing: $0[fresh...])) }
        guard taken <= total else { throw refusal("bytes follow after its end") }
        do {
            hash(from: fresh)
            try read()
        } catch let error as RevocationError {
            throw error
        } catch {
            throw RevocationError(.crlUnusable, "the list is not DER as RFC 5280 asks (\(error))")
        }
        return total == .max ? nil : total
    }

    /// Hashes what of `buffer[fresh..<end]` is signed.
    private mutating func hash(from fresh: Int) {
        guard digest != nil else { return }
        let part = (passed + fresh..<passed + end).clamped(to: signed)
        guard !part.isEmpty else { return }
        let before = passed
        buffer.withUnsafeBytes {
            // safe: places of the buffer that were filled
            digest?.update(UnsafeRawBufferPointer(rebasing: $0[part.lowerBound - before..<part.upperBound - before]))
        }
    }

    private mutating func read() throws {
        if case .head = stage { try readHead() }
        if case .entries(let left) = stage {
            let here = min(left, end - start)
            let taken = try Self.take(buffer, start..<start + here, into: &entries)
            start += taken
            guard taken == left else {
                guard here < left || taken == here else { throw TLVError.truncated }
                return stage = .entries(left: left - taken)
            }
            stage = .tail
        }
        if case .tail = stage, total - passed - start > ListLimits.listEnd {
            throw refusal("its extensions and signature are longer than 64 KiB")
        }
    }

    private static func take(_ buffer: [UInt8], _ range: Range<Int>, into entries: inout RevokedEntries) throws -> Int {
        try entries.take(buffer.span.bytes.extracting(range))
    }

    /// Reads the head once enough of it is there.
    private mutating func readHead() throws {
        let bytes = Array(buffer.prefix(end))
        var outer = TLVReader(bytes, rules: .der)
        do {
            let list = try outer.nextHeader()
            guard list.tag == .sequence else { throw TLVError.unexpectedTag(list.tag) }
            let listStart = end - outer.bytesLeft
            total = listStart + list.length
            guard taken <= total else { throw TLVError.trailingBytes }
            guard total <= ListLimits.list else {
                throw TLVError.beyondLimit("it is longer than \(ListLimits.list) bytes")
            }
            let tbs = try outer.nextHeader()
            guard tbs.tag == .sequence else { throw TLVError.unexpectedTag(tbs.tag) }
            let tbsStart = end - outer.bytesLeft
            signed = listStart..<tbsStart + tbs.length
            guard signed.upperBound <= total else { throw TLVError.truncated }
            let rest = bytes.prefix(signed.upperBound).dropFirst(tbsStart)
            try readHead(TLVReader(rest, rules: .der), from: tbsStart)
        } catch TLVError.truncated where end < total {
            // More is to come.
            guard end < ListLimits.listHead else {
                throw refusal("what stands before its entries is longer than \(ListLimits.listHead) bytes")
            }
            return
        }
        digest = RunningDigest(algorithm.digest, engine: engine)
        hash(from: 0)
    }

    private mutating func readHead(_ reader: TLVReader, from tbsStart: Int) throws {
        var fields = reader
        let all = fields.bytesLeft
        // Version 2: every list that we take has a number, so extensions.
        let version = try byRule("it is no list of version 2 (RFC 5280 5.1.2.1)") { () throws(TLVError) in
            try fields.next(.integer).smallInteger()
        }
        guard version == 1 else { throw refusal("it is no list of version 2 (RFC 5280 5.1.2.1)") }
        let algorithm = try byRule("its signature algorithm is none (RFC 5280 5.1.2.2)") { () throws(TLVError) in
            try fields.next(.sequence)
        }
        let issuer = try byRule("its issuer is no name (RFC 5280 5.1.2.3)") { () throws(TLVError) in
            try fields.next(.sequence)
        }
        let times = "is not UTCTime up to 2049 and GeneralizedTime after"
        let thisUpdate = try byRule("its thisUpdate \(times) (RFC 5280 5.1.2.4)") { () throws(TLVError) in
            try RevocationListFields.time(try fields.next())
        }
        var ahead = fields
        let following = try ahead.nextHeader().tag
        guard following == .utcTime || following == .generalizedTime else {
            throw refusal("it has no nextUpdate (RFC 5280 5.1.2.5)")
        }
        let nextUpdate = try byRule("its nextUpdate \(times) (RFC 5280 5.1.2.5)") { () throws(TLVError) in
            try RevocationListFields.time(try fields.next())
        }
        var position = tbsStart + all - fields.bytesLeft
        var left = 0
        // revokedCertificates should be absent when empty (RFC 5280 5.1.2.6); some national lists have it nevertheless.
        let next = try fields.nextHeader()
        if next.tag == .sequence {
            position = tbsStart + all - fields.bytesLeft
            left = next.length
            guard position + left <= signed.upperBound else {
                throw refusal("its entries are longer than itself (RFC 5280 5.1.2.6)")
            }
        } else {
            guard next.tag == .context(0, constructed: true) else {
                throw refusal("neither entries (RFC 5280 5.1.2.6) nor extensions (5.1.2.7) follow its times")
            }
        }
        var algorithmFields = algorithm.reader(rules: .der)
        let identifier = try byRule("its signature algorithm is none (RFC 5280 5.1.2.2)") { () throws(TLVError) in
            try algorithmFields.next().objectIdentifier().bytes
        }
        guard let known = SignatureAlgorithm(oid: identifier) else {
            throw SignatureAlgorithm.isWeak(oid: identifier)
                ? refusal("it is signed over a weak hash, such as SHA-1, which can be forged (RFC 5280 5.1.1.2)")
                : refusal("it is signed by neither RSA (PKCS#1 v1.5) nor ECDSA with SHA-2 (RFC 5280 5.1.1.2)")
        }
        self.algorithm = known
        head = RevocationListHead(
            algorithm: Array(algorithm.encoded), issuer: Array(issuer.encoded), thisUpdate: thisUpdate,
            nextUpdate: nextUpdate)
        start = position
        stage = left > 0 ? .entries(left: left) : .tail
    }

    /// The end of the input: everything must have been there.
    /// - Throws: `crlUnusable`.
    consuming func finish() throws(RevocationError) -> UnverifiedRevocationList {
        guard taken == total, case .tail = stage, let head, var digest = digest.take() else {
            throw RevocationError(.crlUnusable, "the list ends before its end")
        }
        do {
            let bytes = buffer.prefix(end).dropFirst(start)
            let rest = signed.upperBound - passed - start
            guard rest > 0, rest <= bytes.count else { throw TLVError.truncated }
            let list = try byRule("its extensions are not as RFC 5280 5.1.2.7 asks") { () throws(TLVError) in
                let wrapper = try TLVElement.only(.context(0, constructed: true), in: bytes.prefix(rest), rules: .der)
                return try X509Extension.list(try TLVElement.only(.sequence, in: wrapper.contents, rules: .der))
            }
            let extensions = try RevocationListExtensions(list)
            var outer = TLVReader(bytes.dropFirst(rest), rules: .der)
            guard try outer.next(.sequence).encoded.elementsEqual(head.algorithm) else {
                throw refusal("its two signature algorithms differ")
            }
            let signature = Array(try outer.next().octetsOfBitString())
            try outer.end()
            guard let number = extensions.number else { throw refusal("it has no CRL number (RFC 5280 5.2.3)") }
            let fields = try RevocationListFields(
                issuerEncoded: head.issuer, thisUpdate: head.thisUpdate, nextUpdate: head.nextUpdate, number: number,
                baseNumber: extensions.baseNumber, scopeEncoded: extensions.scope,
                authorityKeyIdentifier: extensions.authorityKeyIdentifier)
            guard !fields.issuer.isEmpty else { throw refusal("it names no issuer") }
            try entries.serials.seal()
            let release = UInt64(truncatingIfNeeded: RevocationReason.removeFromCRL.rawValue)
            if fields.baseNumber == nil, entries.serials.codes.contains(release) {
                throw refusal("removeFromCRL stands in a list that is no delta")
            }
            return UnverifiedRevocationList(
                fields: fields, serials: entries.serials, digest: digest.finish(), algorithm: algorithm,
                signature: signature)
        } catch let error as RevocationError {
            throw error
        } catch {
            throw RevocationError(.crlUnusable, "the list is not DER as RFC 5280 asks (\(error))")
        }
    }
}
