@testable import Revocation
import Testing

@Suite("A block of the index")
struct IndexPageTests {
    private struct Block {
        let values: [UInt64]
        let kind: IndexPage.Kind
        var bytes: [UInt8] = []

        init(_ values: [UInt64], codeBits: Int = 4) throws {
            self.values = values
            kind = IndexPage.Kind(tail: 0, codeBits: codeBits)
            let serials = try values.map { try #require(NarrowSerial(length: 8, ($0, 0, 0), code: Self.code(of: $0))) }
            // A reason's code in the index is another one than the reason's own.
            let codes = (0..<16).map { UInt8(15 - $0) }
            IndexPage.encode(serials[...], codes: codes, kind: kind, to: &bytes)
        }

        static func code(of value: UInt64) -> UInt64 { value % 16 }

        func find(_ value: UInt64) throws -> UInt8? {
            try IndexPage.find(head: value, tail: [], first: values[0], kind: kind, in: bytes.span.bytes)
        }
    }

    /// Each looks different: dense, alone, in heaps, far apart, as full as a block gets.
    private static let blocks: [[UInt64]] = [
        [7], [0, 1], Array(1_000..<1_064), Array(1_000..<1_065), (0..<500).map { $0 * 2 }, (0..<700).map { $0 * $0 },
        (0..<8).flatMap { heap in (0..<90).map { heap << 40 + $0 } }, [1, 1 << 59], (0..<59).map { 1 << $0 },
        (0..<1_500).map { 6_000_000 + $0 * 97 },
    ]

    @Test("Every key is found with its code, the last one too; no other is", arguments: blocks)
    func everyKey(values: [UInt64]) throws {
        let block = try Block(values)
        let last = values[values.count - 1]
        #expect(block.bytes.count == IndexPage.size(count: values.count, span: last - values[0], kind: block.kind))
        let keys = Set(values)
        for value in values {
            #expect(try block.find(value) == UInt8(15 - Block.code(of: value)))
            for near in [value &- 1, value + 1, value ^ 1 << 20] where !keys.contains(near) {
                #expect(try block.find(near) == nil)
            }
        }
        // Beyond the last one, near and far.
        for step in 0..<60 { #expect(try block.find(last + 1 << UInt64(step)) == nil) }
        #expect(try block.find(.max) == nil)
    }

    @Test("Without codes there is one, which is 0")
    func noCodes() throws {
        let block = try Block([3, 9, 12], codeBits: 0)
        #expect(try block.find(9) == 0 && block.find(8) == nil)
    }

    @Test("A block of another length than its header's, or of a header that no writer writes, is damaged")
    func damaged() throws {
        let block = try Block((0..<100).map { $0 * 31 })
        func refused(_ change: (inout [UInt8]) -> Void) {
            var changed = block
            change(&changed.bytes)
            #expect { try changed.find(31) } throws: { ($0 as? RevocationError)?.code == .storeDamaged }
        }
        refused { $0.removeLast() }
        refused { $0.append(0) }
        refused { $0 = Array($0.prefix(7)) }
        refused { $0 = [] }
        // Count, low bits, words.
        refused { ($0[0], $0[1]) = (0, 0) }
        refused { $0[2] = 57 }
        refused { ($0[4], $0[5]) = (0, 0) }
        refused { $0[0] += 8 }
    }

    @Test("A span that would take more than a block is told before it is written")
    func tooWide() {
        let kind = IndexPage.Kind(tail: 0, codeBits: 0)
        // Two keys need few bits for any gap; many in one heap, and one far away, need a bit for each step between.
        #expect(IndexPage.size(count: 2, span: 1 << 59, kind: kind) < 40)
        #expect(IndexPage.size(count: 3, span: .max, kind: kind) < 80)
        #expect(IndexPage.size(count: 15_000, span: 15_000, kind: kind) <= IndexPage.most)
        #expect(IndexPage.size(count: 15_000, span: 1 << 40, kind: kind) > IndexPage.most)
    }
}
