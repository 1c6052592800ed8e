import CMbedTLS

/// PEM as it passes (RFC 7468 section 3, and what OpenSSL takes): the one reader of lists, certificates and keys. A byte
/// order mark, CR and LF in any mix, blanks and blank lines, lines of any length, and any text around the blocks are
/// taken. What stands between blocks is skipped, and so are blocks with other labels.
package struct PEMStream: Sendable {
    /// What is told of a block, in this order: its beginning, its contents in pieces, and its end, or that it is broken.
    package enum Part {
        case begin
        /// DER; it lies there until the call returns.
        case contents(UnsafeRawBufferPointer)
        case end
        /// It is not base64, or not closed: nothing more is told of it, and the next block is read.
        case broken
    }

    private enum Place {
        /// In text, where a line may begin a block as long as `line` is the beginning of a boundary.
        case lineBeginning
        /// In the rest of a line of text.
        case text
        /// In a block with the label of this number.
        case block(Int)
        /// In such a block's last line.
        case blockEnd(Int)
    }
    private let begins, ends: [[UInt8]]
    private var place = Place.lineBeginning
    private var line: [UInt8] = []
    /// Characters of base64 that were not decoded yet.
    private var waiting: [UInt8] = []
    private var der: [UInt8] = []
    private var isPadded = false
    private static let mostWaiting = 16 * 1_024

    package init(labels: [String]) {
        (begins, ends) = (
            labels.map { Array("-----BEGIN \($0)-----".utf8) }, labels.map { Array("-----END \($0)-----".utf8) }
        )
    }

    /// DER begins with a SEQUENCE, text may begin with its character `0`: the length after it is no text.
    /// - Returns: nil when more bytes must tell.
    package static func isDER(_ beginning: some Collection<UInt8>) -> Bool? {
        guard let first = beginning.first else { return nil }
        guard first == 0x30 else { return false }
        guard let second = beginning.dropFirst().first else { return nil }
        switch second {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E: return false
        // The first byte of a character in UTF-8.
        case 0xC2...0xF4: return false
        default: return true
        }
    }

    /// Takes the next characters and hands over what they say.
    /// - Throws: what `body` throws.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (Part) throws -> Void) rethrows {
        for byte in bytes {
            switch place {
            case .block(let label): try take(byte, inBlock: label, body)
            case .blockEnd(let label): try take(byte, inEndOf: label, body)
            case .text: if byte == 0x0A || byte == 0x0D { place = .lineBeginning }
            case .lineBeginning: try take(byte, atBeginning: body)
            }
        }
        if case .block = place { try decode(body) }
    }

    /// The input has ended.
    package mutating func finish(_ body: (Part) throws -> Void) rethrows {
        switch place {
        case .block, .blockEnd: try fail(body)
        case .lineBeginning, .text: break
        }
    }

    /// Overwrites what it holds: of a key.
    package mutating func wipe() {
        Cryptography.wipe(&waiting)
        Cryptography.wipe(&der)
    }

    private mutating func take(_ byte: UInt8, atBeginning body: (Part) throws -> Void) rethrows {
        switch byte {
        case 0x0A, 0x0D: line.removeAll(keepingCapacity: true)
        // Blanks before it, and a byte order mark.
        case _ where line.isEmpty && [0x20, 0x09, 0xEF, 0xBB, 0xBF].contains(byte): break
        default:
            line.append(byte)
            if let label = begins.firstIndex(where: { $0 == line }) {
                line.removeAll(keepingCapacity: true)
                (place, isPadded) = (.block(label), false)
                try body(.begin)
            } else if !begins.contains(where: { $0.starts(with: line) }) {
                line.removeAll(keepingCapacity: true)
                place = .text
            }
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8, inBlock label: Int, _ body: (Part) throws -> Void) rethrows {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x2B, 0x2F, 0x3D:
            waiting.append(byte)
            if waiting.count >= Self.mostWaiting { try decode(body) }
        case 0x20, 0x09...0x0D: break
        case 0x2D:
            try decode(body)
            // Of a broken block, too: the next one may begin here.
            if case .block = place { place = .blockEnd(label) } else { place = .lineBeginning }
            line = [byte]
        default: try fail(body)
        }
    }

    private mutating func take(_ byte: UInt8, inEndOf label: Int, _ body: (Part) throws -> Void) rethrows {
        line.append(byte)
        // safe: a label of ours
        let end = ends[label]
        guard end.starts(with: line) else {
            // It was not closed; another block may begin here.
            let begun = line
            try fail(body)
            if begins.contains(where: { $0.starts(with: begun) }) { (place, line) = (.lineBeginning, begun) }
            return
        }
        guard line.count == end.count else { return }
        guard waiting.isEmpty else { return try fail(body) }
        line.removeAll(keepingCapacity: true)
        place = .lineBeginning
        try body(.end)
    }

    private mutating func fail(_ body: (Part) throws -> Void) rethrows {
        line.removeAll(keepingCapacity: true)
        waiting.removeAll(keepingCapacity: true)
        place = .text
        try body(.broken)
    }

    /// Decodes the whole groups of four that wait.
    private mutating func decode(_ body: (Part) throws -> Void) rethrows {
        let whole = waiting.count / 4 * 4
        guard whole > 0 else { return }
        if der.count < whole { der = [UInt8](repeating: 0, count: max(whole, Self.mostWaiting)) }
        var count = 0
        // Padding ends the block's text.
        let status = isPadded ? -1 : mbedtls_base64_decode(&der, der.count, &count, waiting, whole)
        guard status == 0 else { return try fail(body) }
        isPadded = waiting.prefix(whole).last == 0x3D
        waiting.removeFirst(whole)  // safe: no more than waits
        try der.withUnsafeBytes { try body(.contents(UnsafeRawBufferPointer(rebasing: $0.prefix(count)))) }
    }
}

/// The DER of a file that is DER itself, or of its PEM blocks with `label`.
/// - Throws: `malformed` when a block is not closed or not base64.
package func derBlocks(in file: [UInt8], label: String) throws(CryptographyError) -> [[UInt8]] {
    guard PEMStream.isDER(file) != true else { return [file] }
    var blocks: [[UInt8]] = []
    var isBroken = false
    var stream = PEMStream(labels: [label])
    let part = { (part: PEMStream.Part) in
        switch part {
        case .begin: blocks.append([])
        case .contents(let bytes): blocks.append((blocks.popLast() ?? []) + bytes)
        case .end: break
        case .broken: isBroken = true
        }
    }
    file.withUnsafeBytes { stream.take($0, part) }
    stream.finish(part)
    guard !isBroken else { throw CryptographyError(.malformed) }
    return blocks
}

/// The DER of a private key, from PEM with one of `labels`, not encrypted.
/// - Throws: `malformed` when there is none.
func privateKeyDER(in pem: [UInt8], labels: [String]) throws(CryptographyError) -> SecretBytes {
    var key: [UInt8] = []
    key.reserveCapacity(pem.count)
    defer { wipe(&key) }
    var (isWhole, isBroken) = (false, false)
    var stream = PEMStream(labels: labels)
    defer { stream.wipe() }
    let part = { (part: PEMStream.Part) in
        switch part {
        case .begin: break
        // The first key counts.
        case .contents(let bytes): if !isWhole { key += bytes }
        case .end: isWhole = true
        case .broken: isBroken = true
        }
    }
    pem.withUnsafeBytes { stream.take($0, part) }
    stream.finish(part)
    guard isWhole, !isBroken else { throw CryptographyError(.malformed) }
    return SecretBytes(copying: key)
}
