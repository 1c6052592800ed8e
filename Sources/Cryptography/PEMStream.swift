import CMbedTLS

/// PEM as it passes (RFC 7468): the DER of the blocks with one label; what stands between blocks is skipped.
package struct PEMStream: Sendable {
    private let begin, end: [UInt8]
    private var line: [UInt8] = []
    private var isInside = false
    /// Characters of base64 that do not fill four yet.
    private var waiting: [UInt8] = []
    private static let longestLine = 4_096

    package init(label: String) {
        (begin, end) = (Array("-----BEGIN \(label)-----".utf8), Array("-----END \(label)-----".utf8))
    }

    /// Takes the next characters and hands over what they say.
    /// - Throws: `malformed` for what is no base64 or too long a line, and what `block` throws.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, _ block: (Part) throws -> Void) throws {
        for byte in bytes {
            guard byte == 0x0A || byte == 0x0D else {
                guard line.count < Self.longestLine else {
                    // Text between blocks may be anything; a block's lines are short.
                    guard !isInside else { throw CryptographyError(.malformed) }
                    continue
                }
                line.append(byte)
                continue
            }
            try endLine(block)
        }
    }

    /// - Throws: `malformed` when a block was not closed.
    package mutating func finish(_ block: (Part) throws -> Void) throws {
        try endLine(block)
        guard !isInside else { throw CryptographyError(.malformed) }
    }

    package enum Part {
        case begin
        case contents([UInt8])
        case end
    }

    private mutating func endLine(_ block: (Part) throws -> Void) throws {
        defer { line.removeAll(keepingCapacity: true) }
        if !isInside {
            guard line.elementsEqual(begin) else { return }
            isInside = true
            try block(.begin)
        } else if line.elementsEqual(end) {
            guard waiting.isEmpty else { throw CryptographyError(.malformed) }
            isInside = false
            try block(.end)
        } else {
            let text = waiting + line.filter { $0 > 0x20 }
            let whole = text.count / 4 * 4
            waiting = Array(text.dropFirst(whole))
            guard whole > 0 else { return }
            var der = [UInt8](repeating: 0, count: whole)
            var count = 0
            let status = text.withUnsafeBufferPointer {
                mbedtls_base64_decode(&der, der.count, &count, $0.baseAddress, whole)
            }
            try check(status, .malformed)
            try block(.contents(Array(der.prefix(count))))
        }
    }
}
