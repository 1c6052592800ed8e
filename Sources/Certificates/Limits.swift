/// What is read, at the most, of bytes that nobody signed for yet: whatever is larger is refused before it is looked
/// into. Each is many times what the world's authorities use, and small enough that nothing made of it overflows the
/// length that is written before it.
enum Limits {
    /// Bytes of a certificate.
    static let certificate = 64 * 1_024
    /// Bytes of a Name or GeneralName as encoded (RFC 5280, appendix A.1, allows no attribute more than 32 KiB, and most
    /// only 64 characters). Letters grow to three times their bytes at the most when they are made small.
    static let name = 8 * 1_024
    /// Extensions of a certificate, a list or an entry.
    static let extensions = 64
    /// Policies of a certificate, its distribution points, and the names of one point.
    static let policies = 64
    static let points = 64
    static let names = 64
}
