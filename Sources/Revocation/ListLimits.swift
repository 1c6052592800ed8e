/// What is read, at the most, of bytes that nobody signed for yet: whatever is larger is refused before it is looked
/// into. Each is many times what the world's authorities use, and small enough that nothing made of it overflows the
/// length that is written before it.
enum ListLimits {
    /// Bytes of a list, from whatever source: the design's stress point has 490 MB. What waits in the scratch file while
    /// a list passes is no more than twice that.
    static let list = 1 << 30
    /// Bytes of a file or a transfer: a list as PEM, and as much text again.
    static let source = 3 << 30
    /// Bytes of a list's head, up to its entries; an entry; and what follows the last one. Each is read whole.
    static let listHead = 64 * 1_024
    static let listEntry = 32 * 1_024
    static let listEnd = 64 * 1_024
    /// Lists of one source whose outcomes are kept, of those that are refused and of those that are in the store; of the
    /// rest only the number. What is read never depends on it: whoever puts strangers' lists before an authority's must
    /// not hide that one.
    static let refusalsTold = 64
    static let takingsTold = 16 * 1_024
}
