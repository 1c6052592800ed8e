import FuzzDriver
import Glibc
import Revocation

/// A file that holds the bytes, read and written over and over.
let descriptor = {
    var path = Array("/tmp/kazashi-fuzz-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    unlink(path)
    return descriptor
}()

/// Puts right what the checksums say, so that the reader behind them is reached: of the blocks, the directory, what the
/// list says of itself, and the header.
func mend(_ bytes: inout [UInt8]) {
    guard bytes.count >= 64 else { return }
    func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    func put(_ sum: UInt32, _ at: Int) {
        for index in 0..<4 { bytes[at + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
    }
    let (about, directory) = (word(12), word(24))
    guard directory >= 64 + about, directory < bytes.count else { return }
    let kinds = Int(bytes[directory])
    var at = directory + 1 + 9 * kinds
    var entries: [(start: Int, sum: Int)] = []
    for kind in 0..<kinds where directory + 9 * kind + 10 <= bytes.count {
        let tail = max(0, Int(bytes[directory + 1 + 9 * kind]) - 8)
        for _ in 0..<min(word(directory + 2 + 9 * kind), 64) where at + 16 + tail <= bytes.count {
            entries.append((word(at + 8 + tail), at + 12 + tail))
            at += 16 + tail
        }
    }
    for (index, entry) in entries.enumerated() {
        let end = index + 1 < entries.count ? entries[index + 1].start : directory
        guard entry.start < end, end <= bytes.count else { continue }
        put(CRC32C.of(bytes.span.bytes.extracting(entry.start..<end)), entry.sum)
    }
    put(CRC32C.of(bytes.span.bytes.extracting(64..<64 + about)), 36)
    put(CRC32C.of(bytes.span.bytes.extracting(directory..<bytes.count)), 40)
    put(CRC32C.of(bytes.span.bytes.extracting(0..<60)), 60)
}

fuzz { input in
    var bytes = input
    mend(&bytes)
    ftruncate(descriptor, off_t(bytes.count))
    pwrite(descriptor, bytes, bytes.count, 0)
    guard let index = try? RevocationIndex(descriptor: descriptor) else { return }
    for length in [1, 3, 4, 8, 9, 16, 21] {
        for byte: UInt8 in [0x00, 0x11, 0x7F, 0xFF] {
            _ = try? index.reason(for: SerialNumber(contents: [UInt8](repeating: byte, count: length)))
            _ = try? index.reason(for: SerialNumber(contents: bytes.suffix(40).prefix(length)))
        }
    }
    try? index.checkWhole()
}
